"""Write a request in OpenAI's Responses dialect, stateless: the server stores nothing.

As in the other dialects, the bytes before the next message stay the same.
"""

import hashlib
from typing import assert_never

from ralex.core.messages import (
    AssistantMessage,
    Message,
    ModelRequest,
    SystemMessage,
    ToolCall,
    ToolResultMessage,
    ToolSpec,
    UserMessage,
)
from ralex.providers.chat_request import fulfils_strict, valid_arguments
from ralex.providers.flavours import is_openai_reasoning
from ralex.providers.layout import Piece, arranged
from ralex.providers.opaque import owned_state
from ralex.providers.shapes import as_list, decode, encode

_LONGEST_CALL_ID = 64


def write_request(request: ModelRequest, *, provider: str, has_cache_key: bool) -> bytes:
    """Serialise a request.

    Args:
        provider: Name of the provider it goes to; opaque state of others is left out.
        has_cache_key: The server takes ``prompt_cache_key``.
    """
    thinks = is_openai_reasoning(request.model) or "grok" in request.model
    fields = [f'"model":{encode(request.model)}', '"store":false']
    if thinks:
        fields.append('"include":["reasoning.encrypted_content"]')
    if request.session_id and has_cache_key:
        fields.append(f'"prompt_cache_key":{encode(request.session_id[:64])}')
    system = "\n\n".join(m.text for m in request.messages if isinstance(m, SystemMessage))
    if system:
        fields.append(f'"instructions":{encode(system)}')
    if request.tools:
        fields.append(f'"tools":[{",".join(_tool_json(tool) for tool in request.tools)}]')
    items = [
        encode(item)
        for message in request.messages
        for item in _items(message, provider=provider, model=request.model)
    ]
    fields.append(f'"input":[{",".join(items)}]')
    if request.response_schema_json:
        fields.append(f'"text":{{"format":{_format_json(request.response_schema_json)}}}')
    fields.append(f'"max_output_tokens":{request.max_output_tokens}')
    if request.temperature is not None and not is_openai_reasoning(request.model):
        fields.append(f'"temperature":{encode(request.temperature)}')
    if request.stream:
        fields.append('"stream":true')
    return ("{" + ",".join(fields) + "}").encode("utf-8", "replace")


def _items(message: Message, *, provider: str, model: str) -> list[dict[str, object]]:
    match message:
        case SystemMessage():
            return []
        case UserMessage():
            return [{"role": "user", "content": _input(message)}]
        case ToolResultMessage():
            call_id = _call_id(message.call_id)
            output = _input(message) if message.images else message.text
            return [{"type": "function_call_output", "call_id": call_id, "output": output}]
        case AssistantMessage():
            state = owned_state(message, provider=provider, model=model)
            pieces = arranged(message, as_list(state.get("layout")))
            return [_answer_item(piece) for piece in pieces if piece != ""]
        case _:
            assert_never(message)


def _input(message: UserMessage | ToolResultMessage) -> list[dict[str, object]]:
    content: list[dict[str, object]] = []
    if message.text or not message.images:
        content.append({"type": "input_text", "text": message.text})
    for image in message.images:
        url = f"data:{image.media_type};base64,{image.data_base64}"
        content.append({"type": "input_image", "image_url": url})
    return content


def _answer_item(piece: Piece) -> dict[str, object]:
    if isinstance(piece, str):
        content = [{"type": "output_text", "text": piece}]
        return {"type": "message", "role": "assistant", "content": content}
    if isinstance(piece, ToolCall):
        return {
            "type": "function_call",
            "call_id": _call_id(piece.id),
            "name": piece.name,
            "arguments": valid_arguments(piece.arguments_json),
        }
    return dict(piece)


def _call_id(call_id: str) -> str:
    if len(call_id) <= _LONGEST_CALL_ID:
        return call_id
    return hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()[:_LONGEST_CALL_ID]


def _tool_json(tool: ToolSpec) -> str:
    # Strict is the default here, and would refuse schemas with optional arguments.
    return (
        f'{{"type":"function","name":{encode(tool.name)},'
        f'"description":{encode(tool.description)},"strict":false,"parameters":{tool.schema_json}}}'
    )


def _format_json(schema_json: str) -> str:
    strict = "true" if fulfils_strict(decode(schema_json)) else "false"
    return f'{{"type":"json_schema","name":"reply","strict":{strict},"schema":{schema_json}}}'
