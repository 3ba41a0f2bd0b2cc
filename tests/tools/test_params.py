"""Declared parameters: the schema the model sees, and what is made of what it sends."""

import json

import pytest

from ralex.core.messages import ToolSpec
from ralex.errors import ToolError
from ralex.tools.base import Tool
from ralex.tools.params import PATH_ALIASES, Param, Params
from ralex.tools.registry import default_tools

PARAMS = Params(
    Param(name="path", kind="path", required=True, aliases=PATH_ALIASES),
    Param(name="old", required=True, aliases=("old_string",)),
    Param(name="limit", kind="integer", description="at most"),
    Param(name="replace_all", kind="boolean"),
    Param(name="items", kind="array"),
)
GOOD: dict[str, object] = {"path": "a.py", "old": "x"}


@pytest.mark.parametrize("name", ["path", "file_path", "filePath", "FilePath", "file"])
def test_other_tools_names_for_a_parameter_are_accepted(name: str) -> None:
    assert PARAMS.coerce({name: "a.py", "old": "x"}).text("path") == "a.py"


def test_a_parameters_own_name_wins_over_an_alias() -> None:
    values = PARAMS.coerce({"file": "wrong", "path": "right", "old_string": "b", "old": "a"})
    assert (values.text("path"), values.text("old")) == ("right", "a")


@pytest.mark.parametrize(
    "limit", ["12", 12, 12.0, 11.5, " 12 ", "12.0", "12s", "11.2 seconds", [12], ["12"]]
)
def test_a_number_may_come_as_text(limit: object) -> None:
    assert PARAMS.coerce({**GOOD, "limit": limit}).integer("limit") == 12


@pytest.mark.parametrize(
    ("sent", "meant"), [("true", True), ("False", False), (1, True), ("0", False), (True, True)]
)
def test_a_boolean_may_come_as_text(sent: object, meant: bool) -> None:
    assert PARAMS.coerce({**GOOD, "replace_all": sent}).flag("replace_all") is meant


@pytest.mark.parametrize("nothing", [None, "", "null", {}, []])
def test_nothing_stands_for_an_optional_that_was_left_out(nothing: object) -> None:
    values = PARAMS.coerce({**GOOD, "limit": nothing, "replace_all": nothing, "items": nothing})
    assert values.integer("limit") is None
    assert not values.flag("replace_all")
    assert values.items("items") == []


def test_an_array_may_come_as_json_text() -> None:
    assert PARAMS.coerce({**GOOD, "items": '["a", "b"]'}).items("items") == ["a", "b"]


def test_an_empty_text_is_a_value_where_text_is_required() -> None:
    assert PARAMS.coerce({"path": "a", "old": ""}).text("old", "default") == ""


@pytest.mark.parametrize("sent", [" a.py ", "`a.py`", '"a.py"', "file://a.py", ["a.py"]])
def test_a_decorated_path_is_undressed(sent: object) -> None:
    assert PARAMS.coerce({"path": sent, "old": "x"}).text("path") == "a.py"


def test_unknown_arguments_are_ignored_while_nothing_is_missing() -> None:
    assert PARAMS.coerce({**GOOD, "explanation": "because"}).text("path") == "a.py"


def test_a_missing_argument_is_named_with_what_was_sent_instead() -> None:
    with pytest.raises(ToolError, match=r'"path" is missing.*"path", "old".*"paht"'):
        PARAMS.coerce({"paht": "a.py", "old": "x"})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("limit", "many", "a whole number"),
        ("limit", True, "a whole number"),
        ("replace_all", "maybe", "true or false"),
        ("items", "not json", "a list"),
        ("old", {"a": 1}, "text"),
    ],
)
def test_a_wrong_type_is_named_with_the_fix(name: str, value: object, wanted: str) -> None:
    with pytest.raises(ToolError, match=f'"{name}" must be {wanted}'):
        PARAMS.coerce({**GOOD, name: value})


def test_the_schema_is_sorted_json_with_plain_types() -> None:
    schema = json.loads(PARAMS.schema_json)
    assert schema["required"] == ["path", "old"]
    assert schema["properties"]["path"] == {"type": "string"}
    assert schema["properties"]["limit"] == {"description": "at most", "type": "integer"}
    assert json.dumps(schema, sort_keys=True, separators=(",", ":")) == PARAMS.schema_json


def test_all_tools_together_cost_few_tokens() -> None:
    specs: list[ToolSpec] = [tool.spec for tool in default_tools()]
    characters = sum(len(s.name) + len(s.description) + len(s.schema_json) for s in specs)
    assert characters / 4 <= 1300


def test_the_tools_come_in_a_fixed_order_with_flat_schemas() -> None:
    specs = [tool.spec for tool in default_tools()]
    assert [spec.name for spec in specs][:7] == [
        "read",
        "write",
        "edit",
        "bash",
        "grep",
        "glob",
        "ls",
    ]
    assert specs == [tool.spec for tool in default_tools()]
    properties = {spec.name: list(json.loads(spec.schema_json)["properties"]) for spec in specs}
    assert set(properties["edit"]) == {"path", "old", "new", "replace_all"}
    assert set(properties["bash"]) >= {"command", "timeout"}
    assert set(properties["read"]) == {"path", "offset", "limit"}
    assert set(properties["write"]) == {"path", "content"}


@pytest.mark.parametrize("tool", default_tools(), ids=lambda tool: tool.spec.name)
def test_a_title_is_one_clean_line_whatever_is_sent(tool: Tool) -> None:
    nasty = "\x1b[31mred\x1b[0m\nsecond\u202eline " + "x" * 500
    by_name: dict[str, object] = dict.fromkeys(("path", "command", "pattern", "content"), nasty)
    odd: dict[str, object] = {"path": 5, "command": None, "pattern": ["a"]}
    for arguments in (by_name, odd, {}):
        title = tool.title(arguments)
        assert 0 < len(title) <= 80
        assert title.isprintable()
