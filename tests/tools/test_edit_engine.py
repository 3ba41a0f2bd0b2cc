"""The edit engine: right place, right bytes, or a refusal that says what to do."""

import json
import time
from collections import Counter
from difflib import SequenceMatcher
from typing import Any
from unittest import mock

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ralex.errors import EditError
from ralex.tools import edit_apply, edit_stretches
from ralex.tools.edit import apply_edit
from ralex.tools.edit_lines import fold, fold_all, take_apart
from ralex.tools.edit_match import Index, block
from ralex.tools.edit_noise import is_placeholder
from ralex.tools.edit_stretches import shared_stretches
from tests.conftest import SHARED

SOURCE = '''import os


def load(path, limit=10):
    """Read "lines" of a file."""
    with open(path) as file:
        lines = file.readlines()[:limit]
    if not lines:
        raise ValueError('empty file')
    return lines


class Store:
    def __init__(self, path):
        self.path = path

    def save(self, text):
        self.text = text & 0xff
        return True
'''


def test_unique_text_is_replaced_to_the_letter() -> None:
    assert apply_edit("a b c", "b", r"\1 $1 \n") == r"a \1 $1 \n c"


def test_text_may_begin_and_end_inside_lines() -> None:
    assert apply_edit("x = f(1)\ny = 2\n", "(1)\ny", "(2)\nz") == "x = f(2)\nz = 2\n"


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        pytest.param(
            "    if not lines:  \n        raise ValueError('empty file')\t",
            "    if not lines:  \n        return []\t",
            ("raise ValueError('empty file')", "return []"),
            id="blanks at line ends",
        ),
        pytest.param(
            "if not lines:\n    raise ValueError('empty file')",
            "if not lines and limit:\n    raise ValueError('empty')",
            (
                "    if not lines:\n        raise ValueError('empty file')",
                "    if not lines and limit:\n        raise ValueError('empty')",
            ),
            id="less indentation",
        ),
        pytest.param(
            "\tif not lines:\n\t\traise ValueError('empty file')\n\treturn lines",
            "\tif not lines:\n\t\tif limit:\n\t\t\treturn None\n\treturn lines",
            (
                "        raise ValueError('empty file')",
                "        if limit:\n            return None",
            ),
            id="tabs for spaces",
        ),
        pytest.param(
            "  if not lines:\n    raise ValueError('empty file')",
            "  if not lines:\n    return\n    raise ValueError('empty file')",
            ("        raise", "        return\n        raise"),
            id="half the indentation",
        ),
        pytest.param(
            "        raise ValueError(‘empty file’)",
            "        raise ValueError(‘no lines’, “x”)",
            ("'empty file'", "'no lines', \"x\""),
            id="typographic quotes",
        ),
        pytest.param(
            "        raise\u00a0ValueError('empty\u200b file')",
            "        raise KeyError('empty file')",
            ("ValueError", "KeyError"),
            id="odd blanks",
        ),
        pytest.param(
            "    if not lines:\\n        raise ValueError('empty file')\\n    return lines",
            "    if not lines:\\n        return []\\n    return lines",
            ("raise ValueError('empty file')", "return []"),
            id="escaped line breaks",
        ),
        pytest.param(
            r"        raise ValueError(\'empty file\')",
            r"        raise ValueError(\'no lines\')",
            ("empty file", "no lines"),
            id="escaped quotes",
        ),
        pytest.param(
            "        self.text = text &amp; 0xff\n        return True",
            "        self.text = text &amp; 0x7f\n        return True",
            ("0xff", "0x7f"),
            id="HTML entities",
        ),
        pytest.param(
            "     8→    if not lines:\n     9→        raise ValueError('empty file')",
            "    if not lines:\n        return []",
            ("raise ValueError('empty file')", "return []"),
            id="line numbers",
        ),
        pytest.param(
            "8:     if not lines:\n9:         raise ValueError('empty file')",
            "8:     if not lines:\n9:         return []",
            ("raise ValueError('empty file')", "return []"),
            id="line numbers on both sides",
        ),
        pytest.param(
            "```python\n        raise ValueError('empty file')\n```",
            "        return []",
            ("raise ValueError('empty file')", "return []"),
            id="code fence",
        ),
        pytest.param(
            "     if not lines:\n-        raise ValueError('empty file')\n     return lines",
            "     if not lines:\n+        return []\n     return lines",
            ("raise ValueError('empty file')", "return []"),
            id="diff marks",
        ),
        pytest.param(
            "        self.path = path\n\n\n    def save(self, text):",
            "        self.path = str(path)\n\n\n    def save(self, text):",
            ("self.path = path", "self.path = str(path)"),
            id="a blank line too many",
        ),
        pytest.param(
            "def load(path, limit=10):\n    # ... existing code ...\n    return lines",
            "def load(path, limit=20):\n    # ... existing code ...\n    return lines or None",
            (
                SOURCE[SOURCE.index("def load") : SOURCE.index("    return lines") + 16],
                SOURCE[SOURCE.index("def load") : SOURCE.index("    return lines")].replace(
                    "10", "20"
                )
                + "    return lines or None",
            ),
            id="left out middle",
        ),
    ],
)
def test_noise_is_taken_off_old_and_new_alike(old: str, new: str, wanted: tuple[str, str]) -> None:
    expected = SOURCE.replace(*wanted)
    assert expected != SOURCE
    assert apply_edit(SOURCE, old, new) == expected


def test_noise_still_works_in_a_file_with_carriage_returns() -> None:
    old, new = "if not lines:\n    raise ValueError('empty file')", "if not lines:\n    return []"
    expected = SOURCE.replace("raise ValueError('empty file')", "return []")
    assert apply_edit(SOURCE.replace("\n", "\r\n"), old, new) == expected.replace("\n", "\r\n")


def test_the_files_own_typography_is_kept_in_a_changed_line() -> None:
    text = "say(“hello”, ‘you’, 1)\n"
    changed = apply_edit(text, "say(\"hello\", 'you', 1)", "say(\"hello\", 'you', 2)")
    assert changed == "say(“hello”, ‘you’, 2)\n"


def test_lines_equal_in_old_and_new_keep_their_own_ends() -> None:
    text = "a\r\nb\nc \r\nd"
    assert apply_edit(text, "a\nb\nc\nd", "a\nB\nc\nd") == "a\r\nB\r\nc \r\nd"


def test_an_exact_place_wins_over_a_similar_one() -> None:
    text = "    x = 1\n    y = 2\n\nx = 1\ny = 2\nend\n"
    assert (
        apply_edit(text, "x = 1\ny = 2\nend", "x = 3\nend")
        == "    x = 1\n    y = 2\n\nx = 3\nend\n"
    )


@pytest.mark.parametrize(
    ("text", "old", "new", "said"),
    [
        pytest.param("a\nb\na\n", "a", "c", r"2 places \(lines 1, 3\)", id="twice"),
        pytest.param("  a()\n b()\n    a()\n", "a( )", "c()", "not in the file", id="no such text"),
        pytest.param(
            "  foo(1)\n\n    foo(1)\n",
            "\tfoo(1)",
            "\tfoo(2)",
            "2 places",
            id="two places once shifted",
        ),
        pytest.param(SOURCE, "def load(file, limit=10):", "x", "4→def load", id="a stale line"),
        pytest.param(SOURCE, "", "x", "old is empty", id="empty"),
        pytest.param(SOURCE, "\n\n", "x", "old is empty", id="blank"),
        pytest.param(SOURCE, "return lines", "return lines", "the same", id="no change"),
        pytest.param(
            SOURCE,
            "        return True",
            "    # ... rest of the class ...",
            "placeholder",
            id="placeholder in new only",
        ),
        pytest.param(
            SOURCE, "    return rows", "    return lines", "already applied", id="applied before"
        ),
        pytest.param(
            SOURCE, "if not  lines:\nreturn lines", "pass", "Closest lines", id="lines left out"
        ),
        pytest.param(
            "if a:\n    b()\n        c()\n",
            "if a:\n  b()\n  c()",
            "if a:\n  d()\n  c()",
            "indented in another way",
            id="no rule for the indentation",
        ),
    ],
)
def test_what_is_not_certain_is_refused(text: str, old: str, new: str, said: str) -> None:
    with pytest.raises(EditError, match=said):
        apply_edit(text, old, new)


@pytest.mark.parametrize(
    "line",
    ["...", "# ...", "// ... existing code ...", "# rest of the code unchanged", "{/* ... */}"],
)
def test_a_placeholder_never_reaches_the_file(line: str) -> None:
    with pytest.raises(EditError, match="placeholder"):
        apply_edit(SOURCE, "        return True", f"        return False\n{line}")


def test_an_ellipsis_that_is_python_is_no_placeholder() -> None:
    changed = apply_edit(
        "class A:\n    x: int\n", "    x: int", "    def f(self) -> int:\n        ..."
    )
    assert changed == "class A:\n    def f(self) -> int:\n        ...\n"


def test_every_place_is_replaced_when_asked_for() -> None:
    assert apply_edit("a b\r\na\r\n", "a", "c", replace_all=True) == "c b\r\nc\r\n"
    shifted = apply_edit("  x = 1\n\n    x = 1\n", "x  =  1", "x = 2", replace_all=True)
    assert shifted == "  x = 2\n\n    x = 2\n"


def test_a_statement_wrapped_in_a_block_keeps_its_indentation() -> None:
    text = "def f():\n    run()\n"
    assert apply_edit(text, "run()", "if a:\n    run()") == "def f():\n    if a:\n        run()\n"


def test_a_refusal_is_quick_in_a_large_file() -> None:
    text = "".join(f"value_{n} = compute({n})  # note {n}\n" for n in range(20_000))
    started = time.perf_counter()
    with pytest.raises(EditError):
        apply_edit(text, "value_5 = compute(6)\nvalue_7 = 8", "x = 1")
    assert time.perf_counter() - started < 20


@pytest.mark.parametrize("number", ["{}: ", "{}- ", "L{}: ", "line {}: ", "[{}] ", "{}  ", "{}| "])
def test_line_numbers_in_any_common_form_are_taken_off(number: str) -> None:
    text = "def f():\n    a = 1\n    b = 2\n    return a\n"
    numbered = [number.format(at) + line for at, line in enumerate(text.splitlines()[1:3], start=2)]
    changed = [line.replace("b = 2", "b = 3") for line in numbered]
    assert apply_edit(text, "\n".join(numbered), "\n".join(changed)) == text.replace(
        "b = 2", "b = 3"
    )


@pytest.mark.parametrize("mark", ["# ... (unchanged)", "# unchanged", "// rest stays the same"])
def test_a_mark_that_stands_for_lines_is_refused(mark: str) -> None:
    text = "def f():\n    a = 1\n    b = 2\n    return a\n"
    with pytest.raises(EditError):
        apply_edit(
            text, "    a = 1\n    b = 2\n    return a", f"    a = 3\n    {mark}\n    return a"
        )


def test_an_ellipsis_in_the_place_of_a_body_is_refused_and_a_stub_is_not() -> None:
    text = 'class P:\n    def c(self) -> int:\n        """C."""\n        x = 1\n        return x\n'
    with pytest.raises(EditError):
        apply_edit(
            text,
            '        """C."""\n        x = 1\n        return x',
            '        """C2."""\n        ...',
        )
    stub = '\n    def d(self) -> int:\n        """D."""\n        ...'
    last = "        x = 1\n        return x"
    assert apply_edit(text, last, f"{last}\n{stub}") == f"{text[:-1]}\n{stub}\n"


def test_decomposed_letters_of_a_file_stay_decomposed_in_the_new_text() -> None:
    text = "nai\u0308ve = 1\nother = 2\n"
    assert apply_edit(text, "na\u00efve = 1", "na\u00efve = 3") == "nai\u0308ve = 3\nother = 2\n"


def test_one_line_indented_too_little_brings_its_new_lines_to_the_files_depth() -> None:
    text = "class A:\n    def f(self):\n        if x:\n            run()\n"
    changed = apply_edit(text, "  if x:", "  if y:\n      walk()")
    assert (
        changed
        == "class A:\n    def f(self):\n        if y:\n            walk()\n            run()\n"
    )


@pytest.mark.parametrize("new", ["    bar()\n   ", "  \n  "])
def test_a_new_text_of_one_line_and_blanks_is_no_crash(new: str) -> None:
    text = "def f():\n        foo()\n"
    assert apply_edit(text, "    foo()", new) == text.replace("    foo()", new, 1)


def test_half_of_the_files_indentation_is_doubled_where_only_that_leads_to_its_levels() -> None:
    text = "class A:\n    def f(self):\n        if a:\n            b()\n\n    c = 1\n"
    changed = apply_edit(text, "  c  = 1", "  c  = 1\n\n  def g(self):\n    d()")
    assert changed == f"{text}\n    def g(self):\n        d()\n"


def test_what_stands_there_already_is_not_put_there_again() -> None:
    once = apply_edit("a\nfoo( 1 )\nb\n", "foo(  1 )", "foo( 1 )\nbar")
    assert once == "a\nfoo( 1 )\nbar\nb\n"
    with pytest.raises(EditError, match="already applied"):
        apply_edit(once, "foo(  1 )", "foo( 1 )\nbar")


def test_work_grows_with_the_text_and_not_with_its_square(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    class Counting(SequenceMatcher[str]):
        def ratio(self) -> float:
            compared.append("")
            return super().ratio()

    monkeypatch.setattr(edit_apply, "SequenceMatcher", Counting)
    rows = [f"    value_{n} = compute({n})  # note {n}" for n in range(300)]
    changed = apply_edit(
        "\n".join(rows), "\n".join(f"{row} " for row in rows), "\n".join(f"{row}1" for row in rows)
    )
    assert changed == "\n".join(f"{row}1" for row in rows)
    assert len(compared) <= 300 * 16


def test_places_that_cannot_be_told_apart_are_not_all_worked_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(EditError, match="places"):
        apply_edit("x = 1\n" * 3_000, "x  = 1", "y")
    monkeypatch.setattr("ralex.tools.edit_match.MAX_PLACES", 5)
    text = "xy = 1\n" * 50
    index = Index(take_apart(text), text)
    assert len(index.whole_lines(block("xy  = 1"), block("y"))) == 5
    assert len(index.partial_lines(block("y = 1"), block("y"))) == 5


def test_text_that_is_loosely_in_very_many_places_is_not_replaced_one_by_one() -> None:
    """Each place moves the lines behind it, so that the time would grow with the square."""
    with pytest.raises(EditError, match="loosely in 1000 places or more: copy it exactly"):
        apply_edit("x = 1\n" * 300_000, "  x  = 1", "y", replace_all=True)


def test_very_many_places_are_replaced_at_once_whatever_the_line_ends() -> None:
    rows = 50_000
    assert apply_edit("x = 1\n" * rows, "x = 1", "y", replace_all=True) == "y\n" * rows
    windows = apply_edit("x = 1\r\n" * rows, "x = 1", "y\nz", replace_all=True)
    assert windows == "y\r\nz\r\n" * rows
    mixed = "x = 1\r\nx = 1\n" * rows
    assert apply_edit(mixed, "x = 1", "y", replace_all=True) == "y\r\ny\n" * rows
    with pytest.raises(EditError, match="end in different ways"):
        apply_edit(mixed, "x = 1", "y\nz", replace_all=True)


ODD_ROWS = st.lists(
    st.text(
        st.sampled_from(
            " \t\r\v\f\x1c\x1f\x85\u00a0\u2003\u2028\u3000\u200b\ufeff\u00ade\u0301’“–ａ，éx"
        )
    )
    | st.text(st.characters(exclude_characters="\n", codec="utf-8"))
)


@given(rows=ODD_ROWS)
def test_lines_are_folded_together_as_they_are_one_by_one(rows: list[str]) -> None:
    assert fold_all("\n".join(rows)).split("\n") == [fold(row) for row in rows or [""]]
    plain = [row.encode("ascii", "ignore").decode() for row in rows]
    assert fold_all("\n".join(plain)).split("\n") == [fold(row) for row in plain or [""]]


def test_blanks_of_any_number_are_folded_to_one() -> None:
    rows = [f"{' ' * count}x{' ' * count}\t{' ' * count}y{' ' * count}" for count in range(1, 80)]
    assert fold_all("\n".join(rows)) == "\n".join(["x y"] * len(rows))


@given(rows=ODD_ROWS, with_returns=st.booleans())
def test_an_index_knows_the_lines_that_are_not_blank(rows: list[str], with_returns: bool) -> None:
    text = "\n".join(rows)
    index = Index(take_apart(text.replace("\n", "\r\n") if with_returns else text), text)
    wanted = [(row, fold(line)) for row, line in enumerate(rows) if fold(line)]
    assert list(zip(index.rows, index.keys, strict=True)) == wanted
    for _, key in wanted:
        same = [number for number, (_, other) in enumerate(wanted) if other == key]
        assert list(index.equal_to(key)) == same


FEW_LINES = st.lists(st.sampled_from(["a", "b", "}", "x = 1", ""]), max_size=40)


@given(first=FEW_LINES, second=FEW_LINES)
def test_shared_stretches_are_those_of_the_standard_library(
    first: list[str], second: list[str]
) -> None:
    with mock.patch.object(edit_stretches, "_MANY_PAIRS", 0):
        found = shared_stretches(first, second)
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    pairs, wanted = (
        [(a + at, b + at) for a, b, size in stretches for at in range(size)]
        for stretches in (found, matcher.get_matching_blocks())
    )
    assert pairs == wanted


@given(contents=st.lists(st.sampled_from(["a", "b"]), min_size=1), data=st.data())
def test_lines_that_are_taken_apart_are_joined_as_they_were(
    contents: list[str], data: st.DataObject
) -> None:
    breaks = [data.draw(ends) for _ in contents[1:]]
    text = "".join(map("".join, zip(contents, [*breaks, ""], strict=True)))
    assert take_apart(text).join() == text


def test_a_line_that_only_holds_words_of_a_placeholder_costs_no_pattern(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ralex.tools.edit_noise._PLACEHOLDERS", [None])
    assert not is_placeholder("        other_value = compute(remaining, unchanged=existing)")
    with pytest.raises(AttributeError):
        is_placeholder("        # other_value = compute(remaining)")


def test_the_closest_lines_are_found_by_words_that_few_lines_hold() -> None:
    rows = [f"value number {n} of the table" for n in range(5_000)]
    rows[4_000] = "the rare thing of the table"
    with pytest.raises(EditError, match="4001→the rare thing"):
        apply_edit("\n".join(rows), "the rare thing off the table", "x")


lines = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=12)
ends = st.sampled_from(["\n", "\r\n"])


@st.composite
def files(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    contents = draw(st.lists(lines, min_size=3, max_size=12))
    return contents, [draw(ends) for _ in contents]


def joined(contents: list[str], line_ends: list[str]) -> str:
    return "".join(c + e for c, e in zip(contents, line_ends, strict=True))


@given(files(), st.sampled_from(["{}", "{}  ", "  {}", "\t{}", "7→{}"]), st.data())
def test_nothing_outside_the_matched_lines_ever_changes(
    file: tuple[list[str], list[str]], noise: str, data: st.DataObject
) -> None:
    line_ends = file[1]
    contents = [f"row {number}: {line}" for number, line in enumerate(file[0])]
    start = data.draw(st.integers(0, len(contents) - 2))
    stop = data.draw(st.integers(start + 1, len(contents) - 1))
    old = "\n".join(noise.format(line) for line in contents[start:stop])
    new = "\n".join(noise.format(line) for line in data.draw(st.lists(lines, min_size=1)))
    try:
        changed = apply_edit(joined(contents, line_ends), old, new)
    except EditError:
        return
    before = joined(contents[:start], line_ends[:start])
    after = joined(contents[stop:], line_ends[stop:])
    assert changed.startswith(before)
    assert changed.endswith(after)
    assert len(changed) >= len(before) + len(after)


@given(files(), st.integers(0, 11), lines)
def test_line_ends_stay_as_they_are(file: tuple[list[str], list[str]], row: int, new: str) -> None:
    contents, line_ends = file
    row %= len(contents)
    old = contents[row]
    assume(old.strip() and new.strip() and old != new)
    try:
        changed = apply_edit(joined(contents, line_ends), old, new)
    except EditError:
        return
    assert Counter(changed.split("\n")[-1]) == Counter()
    assert [piece.endswith("\r") for piece in changed.split("\n")[:-1]] == [
        end == "\r\n" for end in line_ends
    ]


@given(files(), lines, lines)
def test_an_edit_is_never_applied_twice(
    file: tuple[list[str], list[str]], old: str, new: str
) -> None:
    text = joined(*file)
    try:
        once = apply_edit(text, old, new)
    except EditError:
        return
    assume(old not in once)
    with pytest.raises(EditError):
        apply_edit(once, old, new)


def test_the_figures_of_the_development_set_hold() -> None:
    cases_file = SHARED / "edits" / "dev.jsonl"
    if not cases_file.exists():
        pytest.skip("the edit cases are not beside this checkout")
    verdicts: Counter[str] = Counter()
    for line in cases_file.read_text(encoding="utf-8").splitlines():
        case: dict[str, Any] = json.loads(line)
        verdicts[judge(case, play(case))] += 1
    applied, refused, wrong = verdicts["applied"], verdicts["refused"], verdicts["wrong"]
    assert applied / (applied + verdicts["missed"]) >= 0.99
    assert refused / (refused + verdicts["wrong"]) >= 0.99
    assert wrong == 0


def play(case: dict[str, Any]) -> str | None:
    text: str = case["before"]
    try:
        for edit in case["edits"]:
            text = apply_edit(text, edit["old"], edit["new"], bool(edit.get("replace_all")))
    except EditError:
        return None
    return text


def judge(case: dict[str, Any], got: str | None) -> str:
    wants_change = case["expect"] == "after"
    if got is None:
        return "missed" if wants_change else "refused"
    accepted = [*([case["after"]] if wants_change else []), *case.get("alt", [])]
    if got in accepted:
        return "applied" if wants_change else "refused"
    return "wrong"


GO = "import (\n)\n\ntype History struct {\n}\n"


@pytest.mark.parametrize(
    ("new", "after"),
    [
        pytest.param(
            ")\n// History holds input.\ntype History struct {",
            "import (\n)\n\n// History holds input.\ntype History struct {\n}\n",
            id="a comment goes with the line below",
        ),
        pytest.param(
            ")\n\n// History holds input.\ntype History struct {",
            "import (\n)\n\n// History holds input.\ntype History struct {\n}\n",
            id="the new text has the blank line itself",
        ),
        pytest.param(
            ")\nvar x = 1\ntype History struct {",
            "import (\n)\nvar x = 1\n\ntype History struct {\n}\n",
            id="code goes with the line above",
        ),
    ],
)
def test_a_blank_line_that_old_lacks_stays_where_it_belongs(new: str, after: str) -> None:
    assert apply_edit(GO, ")\ntype History struct {", new) == after


def test_a_blank_line_that_old_lacks_and_new_has_keeps_its_bytes() -> None:
    text = "a = 1\n  \t\nb = 2\nc = 3\n"
    changed = apply_edit(text, "a = 1\nb = 2\nc = 3", "a = 1\n\nb = 2\nc = 4")
    assert changed == "a = 1\n  \t\nb = 2\nc = 4\n"


@pytest.mark.parametrize("body", ["pass", "raise NotImplementedError", "pass  # for now"])
def test_an_ellipsis_may_take_the_place_of_a_body_that_does_nothing(body: str) -> None:
    text = f"def f():\n    {body}\n\n\nx = 1\n"
    wanted = "def f():\n    ...\n\n\nx = 1\n"
    assert apply_edit(text, f"    {body}", "    ...") == wanted
    assert apply_edit(text, f"def f():\n    {body}", "def f():\n    ...") == wanted


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def f():\n    return 1", "def f():\n    ..."),
        ("    return 1", "    ..."),
        ("def f():\n    return 1\n\n\nx = 1", "def f():\n    ...\n\n\nx = 2"),
    ],
)
def test_an_ellipsis_in_the_place_of_code_is_refused_with_the_way_out(old: str, new: str) -> None:
    text = "def f():\n    return 1\n\n\nx = 1\n"
    with pytest.raises(EditError, match="goes on the line of its def"):
        apply_edit(text, old, new)
    assert "def f(): ..." in apply_edit(text, "def f():\n    return 1", "def f(): ...")


def test_texts_that_are_json_strings_are_read_as_such_as_whole_lines_only() -> None:
    text = "def f():\n    return 1\n"
    assert apply_edit(text, '"    return 1"', '"    return 2"') == "def f():\n    return 2\n"
    whole = apply_edit(text, r'"def f():\n    return 1"', r'"def g():\n    return \"x\""')
    assert whole == 'def g():\n    return "x"\n'
    with pytest.raises(EditError, match="not in the file"):
        apply_edit("names = [name for name in all]\n", '"names"', '"words"')
