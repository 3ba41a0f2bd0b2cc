from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.config.toml_text import KeyPath, key_lines, parse_toml, read_toml
from ralex.errors import ConfigError

TEXT = """\
# comment = 0
top = 1
"quoted key" = '''
[not.a.table]
fake = 1
'''
dotted.inner = "#"

[a]
list = [
  1, # one
  { x = 1, y = [
    2] },
]
[a.b."c.d"]
k = \"\"\"x \\\"\"\"
z = 1 \"\"\"\"
[[rules]]
p = 'a'
[[rules]]
p = "b\\"]"
sub.deep = 1979-05-27 07:32:00
[rules.table]
t = true
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("quoted key",), 3),
        (("dotted", "inner"), 7),
        (("a",), 9),
        (("a", "list"), 10),
        (("a", "list", 0), 11),
        (("a", "list", 1, "x"), 12),
        (("a", "list", 1, "y", 0), 13),
        (("a", "b", "c.d", "k"), 16),
        (("rules", 0, "p"), 19),
        (("rules", 1, "p"), 21),
        (("rules", 1, "sub", "deep"), 22),
        (("rules", 1, "table", "t"), 24),
    ],
)
def test_the_line_of_a_key_is_found(path: KeyPath, line: int) -> None:
    assert key_lines(TEXT)[path] == line


def test_text_that_looks_like_keys_inside_strings_is_not_one() -> None:
    lines = key_lines(TEXT)
    assert ("fake",) not in lines
    assert ("not",) not in lines
    assert ("comment",) not in lines
    assert ("a", "b", "c.d", "z") not in lines


def test_a_missing_key_takes_the_line_of_what_is_around_it() -> None:
    file = parse_toml(TEXT, path=Path("f.toml"))
    assert file.line_of(("a", "list", 1, "missing")) == 12
    assert file.line_of(("nowhere",)) is None


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\n\r\nb = 2\r\n")
    file = read_toml(path)
    assert file.table == {"a": 1, "b": 2}
    assert file.line_of(("b",)) == 3


def paths(value: object, here: KeyPath = ()) -> set[KeyPath]:
    found: set[KeyPath] = {here} if here else set()
    if isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            found |= paths(inner, (*here, key))
    elif isinstance(value, list):
        for index, inner in enumerate(cast("list[object]", value)):
            found |= paths(inner, (*here, index))
    return found


PIECES = st.sampled_from(
    ["[a]\n", "[a.b]\n", "[[l]]\n", "[l.m]\n", "[[l.n]]\n", 'k = "x"\n', "k2 = 'y' # c\n",
     "d.e = [1, [2, {f = 3}]]\n", '"q.q" = """\n[z]\n"""\n', "t = {a = {b = 'c'}, d = []}\n",
     "n = -1.5e3\n", "\n", "# [c]\n", "w = '''it''s'''\n"]
)  # fmt: skip


@given(pieces=st.lists(PIECES, max_size=12))
def test_every_key_tomllib_reads_has_a_line(pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        file = parse_toml(text, path=Path("f.toml"))
    except ConfigError:
        return
    assert paths(file.table) <= set(file.lines)
    assert all(1 <= line <= text.count("\n") for line in file.lines.values())
