"""What an answer may have to be: JSON of a schema, or an object of one of the caller's types."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol, cast, get_origin

from ralex.errors import MalformedReplyError, UsageError

_KEPT_TYPES = 64


class SchemaModel(Protocol):
    """What a pydantic model class offers; named here so that pydantic need not be imported."""

    def model_json_schema(self) -> dict[str, object]:
        """Give its JSON Schema."""
        ...

    def model_validate_json(self, json_data: str) -> object:
        """Read and check an answer."""
        ...


def schema_of(response_format: object) -> str:
    """Give the JSON Schema that answers must follow, as text; empty if they need not follow any.

    Args:
        response_format: A pydantic model class, a dataclass, a TypedDict, another type that
            pydantic reads from a JSON object, a JSON Schema as a mapping, or None.

    Raises:
        UsageError: If it is none of these, or its JSON would be no object.
    """
    if response_format is None:
        return ""
    if isinstance(response_format, Mapping):
        schema: dict[str, object] = dict(cast("Mapping[str, object]", response_format))
    else:
        schema = _model(response_format).model_json_schema()
        # Providers that enforce a schema take objects alone.
        if schema.get("type") != "object" and "$ref" not in schema:
            raise UsageError(
                "an answer in response_format would not be a JSON object",
                hint="put it into a field of a class",
            )
    return json.dumps(schema, separators=(",", ":"))


def parsed(text: str, response_format: object) -> object:
    """Read an answer into the form asked for; the call is paid either way.

    Raises:
        MalformedReplyError: If it does not follow the form.
    """
    if response_format is None or not text:
        return None
    try:
        if isinstance(response_format, Mapping):
            return json.loads(text)
        return _model(response_format).model_validate_json(text)
    except ValueError as error:
        raise MalformedReplyError(
            f"the answer does not follow response_format: {str(error).splitlines()[0]}",
            hint="ask again, or use a model that supports response_schema",
        ) from error


def follows(text: str, response_format: object) -> bool:
    """Tell whether an answer is of the form asked for."""
    try:
        parsed(text, response_format)
    except MalformedReplyError:
        return False
    return True


def _model(response_format: object) -> SchemaModel:
    if hasattr(response_format, "model_validate_json"):
        return cast("SchemaModel", response_format)
    if not isinstance(response_format, type) and get_origin(response_format) is None:
        raise _no_form(response_format)
    return _of_type(response_format)


@lru_cache(_KEPT_TYPES)
def _of_type(response_format: object) -> "_TypeModel":
    from pydantic import PydanticUndefinedAnnotation, PydanticUserError  # noqa: PLC0415 - heavy

    try:
        return _TypeModel(response_format)
    except (PydanticUserError, PydanticUndefinedAnnotation) as error:
        raise _no_form(response_format, why=error.message.splitlines()[0]) from None


class _TypeModel:
    """A type of Python's own in the form of a model class; pydantic is imported for it."""

    def __init__(self, response_format: object) -> None:
        from pydantic import TypeAdapter  # noqa: PLC0415 - heavy, and few use it

        form = cast("type[object]", response_format)
        self._adapter: TypeAdapter[object] = TypeAdapter(form)
        self._schema = self._adapter.json_schema()

    def model_json_schema(self) -> dict[str, object]:
        """Give its JSON Schema."""
        return self._schema

    def model_validate_json(self, json_data: str) -> object:
        """Read and check an answer."""
        return self._adapter.validate_json(json_data)


def _no_form(response_format: object, why: str = "") -> UsageError:
    return UsageError(
        f"response_format is a {type(response_format).__name__}, "
        "neither a type that JSON can be read into nor a JSON Schema" + (f": {why}" if why else ""),
        hint="pass a pydantic model class, a dataclass, a TypedDict or a dict",
    )
