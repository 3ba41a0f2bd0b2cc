"""An answer that must be JSON of a given form: read the schema, check the answer, ask once more.

A model that can be held to a schema by its provider is; every model is told of it, and every answer
is checked here, because providers hold to parts of JSON Schema only.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

from ralex.core.events import TurnFailed, TurnFinished
from ralex.core.records import dataclass
from ralex.errors import UsageError

_MOST_BYTES = 1_000_000
_MOST_FAULTS = 8


class _Fault(Protocol):
    """The part of jsonschema's errors that is told."""

    message: str
    json_path: str


class _Checker(Protocol):
    """The part of jsonschema's validators that is used."""

    def iter_errors(self, instance: object) -> Iterable[_Fault]: ...


@dataclass(frozen=True, slots=True)
class Checked:
    """What an answer came to: its value, or what is wrong with it.

    Attributes:
        faults: Empty if it follows the schema.
    """

    value: object
    faults: tuple[str, ...] = ()


class AnswerForm:
    """A JSON Schema that an answer must follow.

    Attributes:
        schema_json: The schema, serialised once.
    """

    def __init__(self, schema: dict[str, object], checker: _Checker) -> None:
        self.schema_json = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
        self._checker = checker

    def check(self, text: str) -> Checked:
        """Read an answer; a code fence around it is not held against it."""
        try:
            value: object = json.loads(_unfenced(text))
        except (ValueError, RecursionError) as error:
            return Checked(None, (f"it is not JSON: {error}",))
        found = sorted(self._checker.iter_errors(value), key=lambda fault: fault.json_path)
        faults = [f"{fault.json_path}: {_shortened(fault.message)}" for fault in found]
        return Checked(None if faults else value, tuple(faults[:_MOST_FAULTS]))


def read_form(path: Path) -> AnswerForm:
    """Read a schema from a file.

    Raises:
        UsageError: If it cannot be read, or is no JSON Schema.
    """
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415
    from jsonschema.validators import validator_for  # noqa: PLC0415

    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path} is larger than 1 MB", hint="give a smaller schema")
        schema: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}", hint="--json-schema takes a file"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise UsageError(f"{path} is no JSON Schema", hint="a schema is a JSON object")
    known = cast("dict[str, object]", schema)
    kind = validator_for(known)
    try:
        kind.check_schema(known)
    except SchemaError as error:
        raise UsageError(
            f"{path} is no JSON Schema: {error.json_path}: {_shortened(error.message)}"
        ) from error
    return AnswerForm(known, cast("_Checker", kind(known)))


def repair_prompt(faults: Iterable[str]) -> str:
    """Ask once more for an answer that follows the schema."""
    listed = "\n".join(f"- {fault}" for fault in faults)
    return (
        f"Your answer does not follow the JSON Schema:\n{listed}\n"
        "Give the corrected answer as one JSON value alone, without a code fence or other words."
    )


def joined(
    first: TurnFinished | TurnFailed, second: TurnFinished | TurnFailed
) -> TurnFinished | TurnFailed:
    """Count two turns as one: the second one's answer, the work and the cost of both."""
    saved = [each.saved_usd for each in (first, second) if each.saved_usd is not None]
    return replace(
        second,
        steps=first.steps + second.steps,
        usage=first.usage + second.usage,
        cost_usd=first.cost_usd + second.cost_usd,
        saved_usd=sum(saved[1:], saved[0]) if saved else None,
        files_changed=tuple(dict.fromkeys((*first.files_changed, *second.files_changed))),
    )


def _unfenced(text: str) -> str:
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```") and "\n" in stripped:
        return stripped.partition("\n")[2].removesuffix("```").strip()
    return stripped


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else f"{line[:199]}…"
