"""Arguments of tool calls: harmless faults are repaired, a call that was cut off never is."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.core.toolargs import ArgumentsError, parse_arguments, read_arguments

EDIT = {"path": "a.py", "old": 'print("x")\n', "new": "it's\t1", "replace_all": False}
CLEAN = json.dumps(EDIT)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
arguments = st.dictionaries(st.text(max_size=8), json_values, min_size=1, max_size=4)


def test_clean_json_is_read_without_a_repair() -> None:
    assert read_arguments(CLEAN).values == EDIT
    assert read_arguments(CLEAN).repairs == ()


@pytest.mark.parametrize(
    ("raw", "repair"),
    [
        pytest.param(CLEAN[:-1] + ",}", "trailing comma", id="trailing comma"),
        pytest.param(f"```json\n{CLEAN}\n```", "code fence", id="fence"),
        pytest.param(
            CLEAN.replace("\\n", "\n").replace("\\t", "\t"),
            "raw line break or tab in a string",
            id="raw newline",
        ),
        pytest.param(json.dumps(CLEAN), "double encoding", id="double encoded"),
        pytest.param(json.dumps(json.dumps(CLEAN)), "double encoding", id="encoded three times"),
        pytest.param(str(EDIT), "Python literal", id="python repr"),
        pytest.param(
            CLEAN.replace("false", "False"), "Python literal", id="python literal in json"
        ),
        pytest.param(
            "Here are the arguments: " + CLEAN, "text around the object", id="text before"
        ),
        pytest.param(CLEAN + "\nI'll run it now.", "text after the object", id="text after"),
        pytest.param(CLEAN + "}", "text after the object", id="one brace too many"),
        pytest.param(
            CLEAN.replace('"path"', "path"), "name without quotes", id="name without quotes"
        ),
    ],
)
def test_a_harmless_fault_is_repaired_and_reported(raw: str, repair: str) -> None:
    result = read_arguments(raw)
    assert result.values == EDIT
    assert repair in result.repairs


@pytest.mark.parametrize("raw", ["", "  ", "null", "{}", "None", '""', '"{}"'])
def test_no_arguments_are_an_empty_object(raw: str) -> None:
    assert parse_arguments(raw) == {}


@pytest.mark.parametrize("cut", range(1, len(CLEAN)))
def test_a_truncated_call_is_never_read(cut: int) -> None:
    with pytest.raises(ArgumentsError) as caught:
        parse_arguments(CLEAN[:cut])
    assert caught.value.is_truncated


@given(arguments, st.data())
def test_no_cut_of_any_call_is_ever_read(values: dict[str, object], data: st.DataObject) -> None:
    raw = json.dumps(values)
    cut = data.draw(st.integers(1, len(raw) - 1))
    with pytest.raises(ArgumentsError):
        parse_arguments(raw[:cut])


@given(arguments)
def test_what_json_can_say_is_read_as_json_reads_it(values: dict[str, object]) -> None:
    for raw in (
        json.dumps(values),
        json.dumps(values, ensure_ascii=False),
        json.dumps(raw_of(values)),
    ):
        assert parse_arguments(raw) == values


def raw_of(values: dict[str, object]) -> str:
    return json.dumps(values)


@given(st.dictionaries(st.text(max_size=5), st.text() | st.booleans(), min_size=1, max_size=3))
def test_pythons_own_way_to_write_a_dict_is_read(values: dict[str, object]) -> None:
    assert parse_arguments(repr(values)) == values


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param('{"command": "echo "}"}', id="unescaped quote closes the string early"),
        pytest.param('{"command": "say "hi" now"}', id="unescaped quotes"),
        pytest.param('"path": "x", "options": {"a": 1}', id="opening brace missing"),
        pytest.param('{"path": "a"}{"path": "b"}', id="two objects"),
        pytest.param('[{"path": "a"}]', id="a list"),
        pytest.param("42", id="a number"),
        pytest.param("please read a.py", id="words"),
        pytest.param('{"pattern": "\\d+"}', id="unknown escape"),
        pytest.param('{"a": tru}', id="half a literal"),
        pytest.param('{"a" 1}', id="no colon"),
        pytest.param('{"a": 1 "b": 2}', id="no comma"),
        pytest.param("[" * 100_000, id="endless nesting"),
        pytest.param('{"a": ' + "1" * 6_000 + "}", id="a number without end"),
        pytest.param('{"a": ' + "1" * 6_000, id="a number without end, cut"),
        pytest.param('{"a": -' + "1" * 6_000 + ".5e5,}", id="a long number with a fraction"),
    ],
)
def test_what_could_mean_two_things_is_refused_in_one_line(raw: str) -> None:
    with pytest.raises(ArgumentsError) as caught:
        parse_arguments(raw)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 250


def test_a_cut_call_inside_a_fence_or_an_encoding_is_not_read() -> None:
    for raw in (f"```json\n{CLEAN[:30]}\n```", json.dumps(CLEAN[:30]), f"Sure: {CLEAN[:30]}"):
        with pytest.raises(ArgumentsError):
            parse_arguments(raw)


@given(
    st.lists(
        st.sampled_from(
            ["```", "json", "\n", "{", "}", '"', "'", ":", ",", "a", "1", "\\", "[", "]"]
        ),
        max_size=12,
    )
)
def test_any_text_is_read_or_refused(pieces: list[str]) -> None:
    with contextlib.suppress(ArgumentsError):
        parse_arguments("".join(pieces))


@pytest.mark.parametrize("fence", ["```\n```", "```json\n```", "```json\n\n```"])
def test_an_empty_fence_holds_no_arguments(fence: str) -> None:
    assert parse_arguments(fence) == {}
