"""Tables as classes: what pydantic's models promise, without building them."""

import subprocess
import sys
from typing import Annotated, Literal

import pytest
from pydantic_core import ValidationError

from ralex.config.sections import Bounds, Checked, Key, Lifted, Section


def in_a_list(value: object) -> object:
    return [value]


def one_and_a_half(_: object) -> object:
    return 1.5


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


def fault(table: object) -> tuple[tuple[int | str, ...], str]:
    with pytest.raises(ValidationError) as caught:
        Outer.checked(table)
    (one,) = caught.value.errors(include_url=False)
    return one["loc"], one["type"]


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


FAULTS: list[tuple[object, tuple[object, ...], str]] = [
    ({}, ("name",), "missing"),
    ({"name": "x", "nam": 1}, ("nam",), "extra_forbidden"),
    ({"name": "x", "long_name": True}, ("long_name",), "extra_forbidden"),
    ({"name": 1}, ("name",), "string_type"),
    ({"name": "x", "kind": "c"}, ("kind",), "literal_error"),
    ({"name": "x", "longName": 1}, ("longName",), "bool_type"),
    ({"name": "x", "inner": {"size": 10}}, ("inner", "size"), "less_than_equal"),
    ({"name": "x", "inner": {"size": True}}, ("inner", "size"), "int_type"),
    ({"name": "x", "inner": {"size": 2.0}}, ("inner", "size"), "int_type"),
    ({"name": "x", "several": [{}, {}, {}]}, ("several",), "too_long"),
    ({"name": "x", "several": [{"a": 1}]}, ("several", 0, "a"), "extra_forbidden"),
    ({"name": "x", "inner": []}, ("inner",), "model_type"),
    ([], (), "model_type"),
]


@pytest.mark.parametrize(("table", "place", "kind"), FAULTS)
def test_faults_carry_their_place(table: object, place: tuple[object, ...], kind: str) -> None:
    assert fault(table) == (place, kind)


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
        Odd.checked({})


def test_the_files_of_a_user_are_read_without_pydantics_models() -> None:
    code = "import sys, ralex.config.schema; print('pydantic' in sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert printed.strip() == "False"
