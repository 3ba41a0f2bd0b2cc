"""Between a caller's plain dictionaries and ralex's own message types."""

import json
from collections.abc import Mapping, Sequence
from typing import cast

from ralex.core.ids import CallId
from ralex.core.messages import (
    AssistantMessage,
    Image,
    Message,
    SystemMessage,
    ToolCall,
    ToolResultMessage,
    ToolSpec,
    UserMessage,
)
from ralex.errors import UsageError


def read_messages(messages: Sequence[Mapping[str, object]]) -> tuple[Message, ...]:
    """Read messages in the form of OpenAI's chat API.

    Raises:
        UsageError: Naming the message that cannot be read.
    """
    if isinstance(messages, str) or not all(_is_mapping(message) for message in messages):
        raise UsageError(
            "messages is not a list of dictionaries",
            hint='pass [{"role": "user", "content": "…"}]',
        )
    if not messages:
        raise UsageError("there are no messages", hint='pass [{"role": "user", "content": "…"}]')
    return tuple(_message(message, place) for place, message in enumerate(messages))


def read_tools(tools: Sequence[Mapping[str, object]]) -> tuple[ToolSpec, ...]:
    """Read tools in the form of OpenAI's chat API, or the bare function objects inside them.

    Raises:
        UsageError: Naming the tool that has no name.
    """
    specs: list[ToolSpec] = []
    for place, tool in enumerate(tools):
        function = cast("Mapping[str, object]", tool.get("function", tool))
        name = function.get("name")
        if not isinstance(name, str) or not name:
            raise UsageError(f"tools[{place}] has no name")
        schema = function.get("parameters", {"type": "object", "properties": {}})
        specs.append(
            ToolSpec(
                name=name,
                description=str(function.get("description", "")),
                schema_json=json.dumps(schema, separators=(",", ":")),
            )
        )
    return tuple(specs)


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _message(message: Mapping[str, object], place: int) -> Message:
    role = message.get("role")
    text, images = _content(message.get("content"), place)
    match role:
        case "system" | "developer":
            return SystemMessage(text=text)
        case "user":
            return UserMessage(text=text, images=images)
        case "assistant":
            calls = cast("Sequence[Mapping[str, object]]", message.get("tool_calls") or ())
            return AssistantMessage(text=text, tool_calls=tuple(_call(call) for call in calls))
        case "tool":
            return ToolResultMessage(
                call_id=CallId(str(message.get("tool_call_id", ""))),
                name=str(message.get("name", "")),
                text=text,
            )
        case _:
            raise UsageError(
                f"messages[{place}] has the role {role!r}",
                hint="roles are system, user, assistant and tool",
            )


def _call(call: Mapping[str, object]) -> ToolCall:
    function = cast("Mapping[str, object]", call.get("function") or {})
    return ToolCall(
        id=CallId(str(call.get("id", ""))),
        name=str(function.get("name", "")),
        arguments_json=str(function.get("arguments", "{}")),
    )


def _content(content: object, place: int) -> tuple[str, tuple[Image, ...]]:
    """Split content into text and pictures; a list's text parts are joined by line breaks."""
    if content is None:
        return "", ()
    if isinstance(content, str):
        return content, ()
    if not isinstance(content, list):
        raise UsageError(f"messages[{place}] has content that is neither text nor a list")
    texts: list[str] = []
    images: list[Image] = []
    for part in cast("list[Mapping[str, object]]", content):
        if part.get("type") == "text":
            texts.append(str(part.get("text", "")))
        elif part.get("type") == "image_url":
            images.append(_image(part, place))
        else:
            raise UsageError(
                f"messages[{place}] has a part of type {part.get('type')!r}",
                hint="parts are text and image_url",
            )
    return "\n".join(texts), tuple(images)


def _image(part: Mapping[str, object], place: int) -> Image:
    address = part.get("image_url")
    if isinstance(address, Mapping):
        address = cast("Mapping[str, object]", address).get("url")
    head, mark, data = str(address).partition(";base64,")
    if not mark or not head.startswith("data:"):
        raise UsageError(
            f"messages[{place}] has a picture that is not a data: URL",
            hint="embed it as data:image/png;base64,…",
        )
    return Image(media_type=head.removeprefix("data:"), data_base64=data)
