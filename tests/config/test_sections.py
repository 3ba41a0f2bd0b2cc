"""Tables as classes: types and limits are held, places are told, defaults are never shared."""

from typing import Annotated, Literal

import pytest

from ralex.config.sections import Bounds, Checked, FieldError, Key, Lifted, Section


def in_a_list(value: object) -> object:
    return [value]


def one_and_a_half(_: object) -> object:
    return 1.5


def refused(value: object) -> object:
    raise FieldError(f"must not be {value}")


class Inner(Section):
    size: Annotated[int, Bounds(ge=1, le=9)] = 3


class Outer(Section):
    name: str
    kind: Literal["a", "b"] | None = None
    long_name: Annotated[bool | None, Key("longName")] = None
    inner: Inner = Inner()
    several: Annotated[list[Inner], Bounds(max_length=2)] = []
    named: dict[str, Annotated[list[str], Lifted(in_a_list)]] = {}
    number: Annotated[float, Checked(one_and_a_half)] = 0.0
    never: Annotated[int, Checked(refused)] = 0
    short: Annotated[str, Bounds(min_length=1, max_length=3)] = "-"
    some: Annotated[list[Inner], Bounds(min_length=1)] = [Inner()]
    keyed: dict[Annotated[str, Bounds(max_length=2)], int] = {}


def fault(table: object) -> tuple[tuple[int | str, ...], str, str]:
    with pytest.raises(FieldError) as caught:
        Outer.checked(table)
    return caught.value.place, caught.value.kind, caught.value.message


def test_a_table_is_read_with_its_defaults() -> None:
    read = Outer.checked({"name": "x"})
    assert (read.name, read.kind, read.inner.size, read.several, read.number) == (
        "x", None, 3, [], 0.0,
    )  # fmt: skip
    assert read.fields_given == {"name"}


def test_what_the_file_says_is_kept_apart_from_defaults() -> None:
    read = Outer.checked(
        {
            "name": "x",
            "longName": False,
            "inner": {"size": 9},
            "several": [{"size": 3}],
            "named": {"k": "v"},
            "number": "any",
        }
    )
    assert (read.inner.size, read.several[0].size, read.named, read.number) == (
        9, 3, {"k": ["v"]}, 1.5,
    )  # fmt: skip
    assert read.fields_given == {"name", "long_name", "inner", "several", "named", "number"}
    assert read.values_given(by_key=True)["longName"] is False
    assert "kind" not in read.values_given()
    assert Outer.known_keys()[:3] == ("name", "kind", "longName")


FAULTS: list[tuple[dict[str, object], tuple[object, ...], str]] = [
    ({"name": 1}, ("name",), "must be text"),
    ({"kind": "c"}, ("kind",), "must be 'a' or 'b'"),
    ({"kind": 1}, ("kind",), "must be 'a' or 'b'"),
    ({"longName": 1}, ("longName",), "must be true or false"),
    ({"inner": {"size": 10}}, ("inner", "size"), "must be less than or equal to 9"),
    ({"inner": {"size": 0}}, ("inner", "size"), "must be greater than or equal to 1"),
    ({"inner": {"size": True}}, ("inner", "size"), "must be a whole number"),
    ({"inner": {"size": 2.0}}, ("inner", "size"), "must be a whole number"),
    ({"several": [{}, {}, {}]}, ("several",), "must have at most 2 items, not 3"),
    ({"several": {}}, ("several",), "must be a list"),
    ({"several": [{}, 1]}, ("several", 1), "must be a table"),
    ({"inner": []}, ("inner",), "must be a table"),
    ({"named": []}, ("named",), "must be a table"),
    ({"named": {"k": 1}}, ("named", "k", 0), "must be text"),
    ({"never": 7}, ("never",), "must not be 7"),
    ({"short": ""}, ("short",), "must have at least 1 character"),
    ({"short": "abcd"}, ("short",), "must have at most 3 characters"),
    ({"some": []}, ("some",), "must not be empty"),
    ({"keyed": {"abc": 1}}, ("keyed", "abc"), "must have at most 2 characters"),
]


@pytest.mark.parametrize(("given", "place", "words"), FAULTS)
def test_faults_carry_their_place(
    given: dict[str, object], place: tuple[object, ...], words: str
) -> None:
    assert fault({"name": "x", **given}) == (place, "value", words)


UNKNOWN: list[tuple[dict[str, object], tuple[object, ...]]] = [
    ({"nam": 1}, ("nam",)),
    ({"long_name": True}, ("long_name",)),  # its name here, not in the file
    ({"several": [{"a": 1}]}, ("several", 0, "a")),
]


@pytest.mark.parametrize(("given", "place"), UNKNOWN)
def test_unknown_keys_are_faults(given: dict[str, object], place: tuple[object, ...]) -> None:
    assert fault({"name": "x", **given})[:2] == (place, "unknown")


def test_a_field_without_a_default_is_needed() -> None:
    assert fault({})[:2] == (("name",), "missing")
    assert fault([])[0] == ()


def test_the_first_fault_is_the_first_field_s_and_unknown_keys_come_last() -> None:
    assert fault({"nam": 1, "longName": 1, "kind": "c", "name": "x"})[0] == ("kind",)


def test_defaults_are_never_shared() -> None:
    first, second = Outer.checked({"name": "x"}), Outer.checked({"name": "y"})
    first.named["k"] = ["v"]
    first.several.append(Inner())
    assert (second.named, second.several) == ({}, [])


def test_a_table_that_was_read_does_not_change_nor_show_its_values() -> None:
    read = Outer.checked({"name": "sk-secret"})
    with pytest.raises(AttributeError):
        read.name = "y"  # pyright: ignore[reportAttributeAccessIssue]
    assert "sk-secret" not in repr(read)
    assert "sk-secret" not in str(vars(Outer))


def test_a_hint_that_no_table_holds_is_an_error_of_the_program() -> None:
    class Odd(Section):
        at: bytes = b""

    with pytest.raises(TypeError, match="cannot hold"):
        Odd.checked({"at": b""})
