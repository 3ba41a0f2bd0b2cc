"""Write a request in OpenAI's chat dialect.

The bytes before a conversation's next message are the same in every request of it: keys stand in
one order, schemas are embedded as they were serialised, and what varies from call to call comes
after the messages. Providers' prompt caches depend on it.
"""

import hashlib
import re
from typing import assert_never

from ralex.core.messages import (
    AssistantMessage,
    Image,
    Message,
    ModelRequest,
    SystemMessage,
    ToolCall,
    ToolResultMessage,
    ToolSpec,
    UserMessage,
)
from ralex.core.models import PriceCeiling
from ralex.providers.flavours import Flavour, is_openai_reasoning, reasoning_field
from ralex.providers.opaque import owned_state
from ralex.providers.shapes import (
    JsonObject,
    as_list,
    as_object,
    decode,
    encode,
    object_in,
    objects_in,
)

_SHORT_ID = re.compile(r"[A-Za-z0-9]{9}")


def write_request(request: ModelRequest, flavour: Flavour, *, provider: str) -> bytes:
    """Serialise a request.

    Args:
        provider: Name of the provider it goes to; opaque state of others is left out.
    """
    fields = [f'"model":{encode(request.model)}']
    if flavour.fixed_json:
        fields.append(flavour.fixed_json)
    if request.session_id and flavour.session_field:
        fields.append(f'"{flavour.session_field}":{encode(request.session_id)}')
    if flavour.caches_on_request and request.session_id and _is_claude(request.model):
        fields.append('"cache_control":{"type":"ephemeral"}')
    if request.tools:
        fields.append(f'"tools":[{",".join(_tool_json(tool) for tool in request.tools)}]')
    writer = _Messages(request, flavour, provider=provider)
    fields.append(f'"messages":{encode(writer.written())}')
    if flavour.limits_price and request.price_ceiling is not None:
        fields.append(f'"provider":{{"max_price":{_ceiling_json(request.price_ceiling)}}}')
    if request.response_schema_json:
        fields.append(f'"response_format":{_format_json(request, flavour)}')
    fields.append(f'"{_cap_name(flavour, request.model)}":{request.max_output_tokens}')
    takes_temperature = not (
        flavour.output_cap == "max_completion_tokens" and is_openai_reasoning(request.model)
    )
    if request.temperature is not None and takes_temperature:
        fields.append(f'"temperature":{encode(request.temperature)}')
    if request.stream:
        fields.append('"stream":true')
        if flavour.asks_for_usage:
            fields.append('"stream_options":{"include_usage":true}')
    return ("{" + ",".join(fields) + "}").encode("utf-8", "replace")


def _ceiling_json(ceiling: PriceCeiling) -> str:
    """Write OpenRouter's ``max_price``: USD per million tokens, a hard filter of hosts."""
    prompt, completion = (f"{rate.normalize():f}" for rate in (ceiling.input, ceiling.output))
    return f'{{"prompt":{prompt},"completion":{completion}}}'


def valid_arguments(text: str) -> str:
    """Give a call's arguments as JSON that every server can parse; broken text is wrapped.

    Servers that render or convert past calls answer 400 to arguments that are no object.
    """
    try:
        if as_object(decode(text)) is not None:
            return text
    except ValueError:
        pass
    return encode({"invalid_arguments": text}) if text.strip() else "{}"


class _Messages:
    def __init__(self, request: ModelRequest, flavour: Flavour, *, provider: str) -> None:
        self._request = request
        self._flavour = flavour
        self._provider = provider
        self._reasoning_field = request.reasoning_field or reasoning_field(flavour, request.model)

    def written(self) -> list[dict[str, object]]:
        """Write the messages; pictures of tool results come behind all results of one reply."""
        written: list[dict[str, object]] = []
        pictures: list[Image] = []
        for message in self._request.messages:
            if pictures and not isinstance(message, ToolResultMessage):
                written.append(_shown(pictures))
                pictures = []
            one = self._written(message)
            if one is not None:
                written.append(one)
            if isinstance(message, ToolResultMessage) and not self._flavour.pictures_in_results:
                pictures += message.images
        return [*written, _shown(pictures)] if pictures else written

    def _written(self, message: Message) -> dict[str, object] | None:
        match message:
            case SystemMessage():
                return {"role": "system", "content": message.text}
            case UserMessage():
                return {"role": "user", "content": _user_content(message.text, message.images)}
            case AssistantMessage():
                return self._assistant(message)
            case ToolResultMessage():
                return {
                    "role": "tool",
                    "tool_call_id": self._call_id(message.call_id),
                    "content": _user_content(
                        message.text,
                        message.images if self._flavour.pictures_in_results else (),
                    ),
                }
            case _:
                assert_never(message)

    def _assistant(self, message: AssistantMessage) -> dict[str, object] | None:
        if not message.text and not message.tool_calls:
            return None  # servers refuse an answer of nothing
        written: dict[str, object] = {"role": "assistant", "content": message.text or None}
        state = owned_state(message, provider=self._provider, model=self._request.model)
        details = objects_in(state.get("reasoning_details"))
        if self._flavour.returns_details and details:
            written["reasoning_details"] = details
        if message.tool_calls:
            if self._reasoning_field and "reasoning_details" not in written:
                written[self._reasoning_field] = message.reasoning
            extras = object_in(state, "extra_content")
            written["tool_calls"] = [self._call(call, extras) for call in message.tool_calls]
        return written

    def _call(self, call: ToolCall, extras: JsonObject) -> dict[str, object]:
        written: dict[str, object] = {
            "id": self._call_id(call.id),
            "type": "function",
            "function": {"name": call.name, "arguments": valid_arguments(call.arguments_json)},
        }
        if call.id in extras:
            written["extra_content"] = extras[call.id]
        return written

    def _call_id(self, call_id: str) -> str:
        """Give an id the server takes: another model of the conversation may have made it."""
        longest = 9 if self._flavour.short_call_ids else self._flavour.longest_call_id
        fits = not longest or len(call_id) <= longest
        if self._flavour.short_call_ids:
            fits = _SHORT_ID.fullmatch(call_id) is not None
        if fits:
            return call_id
        return hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()[:longest]


def _shown(images: list[Image]) -> dict[str, object]:
    """Write what tools found to be seen as a message of its own: results are text alone."""
    text = "The picture of the tool result above:"
    if len(images) > 1:
        text = "The pictures of the tool results above, in their order:"
    return {"role": "user", "content": _user_content(text, tuple(images))}


def _user_content(text: str, images: tuple[Image, ...]) -> object:
    if not images:
        return text
    parts: list[dict[str, object]] = [{"type": "text", "text": text}] if text else []
    for image in images:
        url = f"data:{image.media_type};base64,{image.data_base64}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return parts


def _tool_json(tool: ToolSpec) -> str:
    return (
        f'{{"type":"function","function":{{"name":{encode(tool.name)},'
        f'"description":{encode(tool.description)},"parameters":{tool.schema_json}}}}}'
    )


def _format_json(request: ModelRequest, flavour: Flavour) -> str:
    if not flavour.has_schemas:
        return '{"type":"json_object"}'
    schema = request.response_schema_json
    strict = "true" if fulfils_strict(decode(schema)) else "false"
    return (
        f'{{"type":"json_schema","json_schema":{{"name":"reply","strict":{strict},'
        f'"schema":{schema}}}}}'
    )


def fulfils_strict(schema: object) -> bool:
    """Tell whether a JSON Schema keeps the rules of strict mode: every object closed, all required.

    OpenAI answers 400 to ``strict`` with any other schema.
    """
    node = as_object(schema)
    if node is None:
        return all(fulfils_strict(item) for item in objects_in(schema))
    if node.get("type") == "object" or "properties" in node:
        required = node.get("required")
        names = object_in(node, "properties").keys()
        is_closed = node.get("additionalProperties") is False
        if not is_closed or not names <= {*as_list(required)}:
            return False
    children = (
        value
        for key, value in node.items()
        if key not in ("properties", "$defs", "definitions", "enum", "const", "default", "required")
    )
    named = (
        child
        for key in ("properties", "$defs", "definitions")
        for child in object_in(node, key).values()
    )
    return all(fulfils_strict(child) for child in (*children, *named))


def _cap_name(flavour: Flavour, model: str) -> str:
    # Deployments on Azure may be older than the new name.
    if flavour.is_azure and not is_openai_reasoning(model):
        return "max_tokens"
    return flavour.output_cap


def _is_claude(model: str) -> bool:
    return "claude" in model or model.startswith("anthropic/")
