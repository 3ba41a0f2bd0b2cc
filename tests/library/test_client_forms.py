"""The forms that an answer may be asked for in."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from ralex.client_forms import follows, parsed, schema_of
from ralex.errors import MalformedReplyError, UsageError
from ralex.providers.scripted import ScriptedStep
from tests.library.test_client import HI, client_of


class Model(BaseModel):
    total: int


@dataclass
class Plain:
    total: Annotated[int, Field(ge=0)]


class Typed(TypedDict):
    total: int


class Unread:
    """Nothing says what its JSON would be."""


@pytest.mark.parametrize(
    ("form", "made"), [(Model, Model(total=3)), (Plain, Plain(total=3)), (Typed, {"total": 3})]
)
def test_an_answer_becomes_an_object_of_the_type(form: object, made: object) -> None:
    schema = json.loads(schema_of(form))
    assert schema["type"] == "object"
    assert schema["required"] == ["total"]
    assert parsed('{"total": 3}', form) == made
    with pytest.raises(MalformedReplyError, match="does not follow response_format"):
        parsed('{"total": "many"}', form)


def test_the_marks_of_a_field_are_kept() -> None:
    assert json.loads(schema_of(Plain))["properties"]["total"]["minimum"] == 0
    assert not follows('{"total": -1}', Plain)
    assert follows('{"total": 1}', Plain)


def test_a_schema_is_sent_as_it_is() -> None:
    assert schema_of({"type": "object"}) == '{"type":"object"}'
    assert parsed('{"a": 1}', {"type": "object"}) == {"a": 1}
    assert schema_of(None) == ""
    assert parsed("three", None) is None


@pytest.mark.parametrize("form", [list[Model], int, dict[str, int] | None])
def test_json_that_is_no_object_is_refused(form: object) -> None:
    with pytest.raises(UsageError, match="would not be a JSON object") as caught:
        schema_of(form)
    assert caught.value.hint


@pytest.mark.parametrize("form", [5, "json_object", [], object(), lambda: None, Unread])
def test_what_is_no_form_is_refused_with_a_hint(form: object) -> None:
    with pytest.raises(UsageError, match="neither a type") as caught:
        schema_of(form)
    assert "dataclass" in caught.value.hint


async def test_a_dataclass_is_asked_for_and_given(tmp_path: Path) -> None:
    client, provider = client_of(tmp_path, [ScriptedStep(text='{"total": 3}')])
    async with client:
        reply = await client.complete("test/cheap", HI, response_format=Plain)
    assert reply.parsed == Plain(total=3)
    assert '"total"' in provider.requests[0].response_schema_json


def test_pydantic_is_imported_for_a_type_alone() -> None:
    code = (
        "import sys; from ralex.client_forms import schema_of;"
        "schema_of({'type': 'object'}); assert 'pydantic' not in sys.modules;"
        "from dataclasses import make_dataclass; schema_of(make_dataclass('A', [('b', int)]));"
        "assert 'pydantic' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
