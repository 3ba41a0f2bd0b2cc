"""Write a request in Anthropic's Messages dialect.

As in the chat dialect, the bytes before the next message stay the same, and what varies comes after
the messages.
"""

import hashlib
import re
from itertools import groupby

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
from ralex.providers.chat_request import valid_arguments
from ralex.providers.layout import Piece, arranged
from ralex.providers.opaque import owned_state
from ralex.providers.shapes import as_list, encode

_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CACHED = '"cache_control":{"type":"ephemeral"}'


def write_request(request: ModelRequest, *, provider: str, caches_alone: bool) -> bytes:
    """Serialise a request.

    Within a session the prompt cache is written: after the standing instructions and after the last
    message. A single call would pay for writing and never read.

    Args:
        caches_alone: The server places the second mark by itself (Anthropic does); elsewhere the
            last message is marked.
    """
    caches = bool(request.session_id)
    fields = [f'"model":{encode(request.model)}']
    system = "\n\n".join(m.text for m in request.messages if isinstance(m, SystemMessage))
    if request.tools:
        fields.append(f'"tools":[{",".join(_tool_json(tool) for tool in request.tools)}]')
    if system.strip():
        mark = f",{_CACHED}" if caches else ""
        fields.append(f'"system":[{{"type":"text","text":{encode(system)}{mark}}}]')
    turns = _turns(request, provider=provider)
    if caches and not caches_alone:
        turns = _marked(turns)
    written = ",".join(f'{{"role":"{role}","content":[{",".join(b)}]}}' for role, b in turns)
    fields.append(f'"messages":[{written}]')
    if request.response_schema_json:
        schema = request.response_schema_json
        fields.append(f'"output_config":{{"format":{{"type":"json_schema","schema":{schema}}}}}')
    fields.append(f'"max_tokens":{request.max_output_tokens}')
    if request.temperature is not None:
        fields.append(f'"temperature":{encode(request.temperature)}')
    if caches and caches_alone:
        fields.append(_CACHED)
    if request.stream:
        fields.append('"stream":true')
    return ("{" + ",".join(fields) + "}").encode("utf-8", "replace")


def _turns(request: ModelRequest, *, provider: str) -> list[tuple[str, list[str]]]:
    """Group messages into turns, since tool results and what follows them are one user turn."""
    spoken = [message for message in request.messages if not isinstance(message, SystemMessage)]
    turns: list[tuple[str, list[str]]] = []
    for is_assistant, group in groupby(spoken, lambda one: isinstance(one, AssistantMessage)):
        blocks = [
            block
            for message in group
            for block in _blocks(message, provider=provider, model=request.model)
        ]
        if blocks:
            turns.append(("assistant" if is_assistant else "user", blocks))
    return turns


def _marked(turns: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    if not turns or turns[-1][0] != "user":
        return turns
    role, blocks = turns[-1]
    return [*turns[:-1], (role, [*blocks[:-1], f"{blocks[-1][:-1]},{_CACHED}}}"])]


def _blocks(message: Message, *, provider: str, model: str) -> list[str]:
    match message:
        case UserMessage():
            blocks = [_text_block(message.text)]
            blocks += [encode(_image_block(image)) for image in message.images]
        case ToolResultMessage():
            result: dict[str, object] = {
                "type": "tool_result",
                "tool_use_id": _call_id(message.call_id),
                "content": _result_content(message),
            }
            if message.is_error:
                result["is_error"] = True
            blocks = [encode(result)]
        case AssistantMessage():
            state = owned_state(message, provider=provider, model=model)
            pieces = arranged(message, as_list(state.get("layout")))
            blocks = [_answer_block(piece) for piece in pieces]
        case SystemMessage():
            blocks = []
    return [block for block in blocks if block]


def _result_content(message: ToolResultMessage) -> object:
    if not message.images:
        return message.text
    pictures: list[object] = [_image_block(image) for image in message.images]
    text = [{"type": "text", "text": message.text}] if message.text.strip() else []
    return [*text, *pictures]


def _image_block(image: Image) -> dict[str, object]:
    source = {"type": "base64", "media_type": image.media_type, "data": image.data_base64}
    return {"type": "image", "source": source}


def _answer_block(piece: Piece) -> str:
    if isinstance(piece, str):
        return _text_block(piece)
    return _call_block(piece) if isinstance(piece, ToolCall) else encode(piece)


def _text_block(text: str) -> str:
    # Blocks of nothing but blanks are refused.
    return encode({"type": "text", "text": text}) if text.strip() else ""


def _call_block(call: ToolCall) -> str:
    return (
        f'{{"type":"tool_use","id":{encode(_call_id(call.id))},"name":{encode(call.name)},'
        f'"input":{valid_arguments(call.arguments_json)}}}'
    )


def _call_id(call_id: str) -> str:
    if _CALL_ID.fullmatch(call_id):
        return call_id
    return "call_" + hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()[:32]


def _tool_json(tool: ToolSpec) -> str:
    return (
        f'{{"name":{encode(tool.name)},"description":{encode(tool.description)},'
        f'"input_schema":{tool.schema_json}}}'
    )
