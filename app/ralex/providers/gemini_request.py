"""Write a request in Google's Gemini dialect."""

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
from ralex.providers.layout import arranged
from ralex.providers.opaque import owned_state
from ralex.providers.shapes import as_list, encode

NO_SIGNATURE = "skip_thought_signature_validator"
"""Stands in for the signature of a call that another model made (Google's documentation, 2026-11);
without one Gemini 3 answers 400.
"""

_THINKS = re.compile(r"gemini-(?:2\.5|[3-9])")
_SIGNS = re.compile(r"gemini-[3-9]")


def write_request(request: ModelRequest, *, provider: str) -> bytes:
    """Serialise a request; the model and streaming are said by the path.

    Args:
        provider: Name of the provider it goes to; opaque state of others is left out.
    """
    fields: list[str] = []
    system = "\n\n".join(m.text for m in request.messages if isinstance(m, SystemMessage))
    if system:
        fields.append(f'"systemInstruction":{encode({"parts": [{"text": system}]})}')
    if request.tools:
        tools = ",".join(_tool_json(tool) for tool in request.tools)
        fields.append(f'"tools":[{{"functionDeclarations":[{tools}]}}]')
    fields.append(f'"contents":[{",".join(_Contents(request, provider=provider).written())}]')
    fields.append(f'"generationConfig":{{{",".join(_settings(request))}}}')
    return ("{" + ",".join(fields) + "}").encode("utf-8", "replace")


def _settings(request: ModelRequest) -> list[str]:
    settings = [f'"maxOutputTokens":{request.max_output_tokens}']
    if request.temperature is not None:
        settings.append(f'"temperature":{encode(request.temperature)}')
    if request.response_schema_json:
        settings.append('"responseMimeType":"application/json"')
        settings.append(f'"responseJsonSchema":{request.response_schema_json}')
    if _THINKS.search(request.model):
        settings.append('"thinkingConfig":{"includeThoughts":true}')
    return settings


class _Contents:
    def __init__(self, request: ModelRequest, *, provider: str) -> None:
        self._request = request
        self._provider = provider
        self._given_ids: set[object] = set()

    def written(self) -> list[str]:
        spoken = [m for m in self._request.messages if not isinstance(m, SystemMessage)]
        contents: list[str] = []
        for is_model, group in groupby(spoken, lambda one: isinstance(one, AssistantMessage)):
            said = list(group)
            parts = [part for message in said for part in self._parts(message)]
            # A function's response holds no picture here; all responses stand before the rest.
            results = [one for one in said if isinstance(one, ToolResultMessage)]
            place = len(results)
            parts[place:place] = [_picture(one) for result in results for one in result.images]
            if parts:
                role = "model" if is_model else "user"
                contents.append(f'{{"role":"{role}","parts":[{",".join(parts)}]}}')
        return contents

    def _parts(self, message: Message) -> list[str]:
        match message:
            case UserMessage():
                parts = [encode({"text": message.text})] if message.text else []
                return parts + [_picture(image) for image in message.images]
            case ToolResultMessage():
                response = {"error" if message.is_error else "result": message.text}
                told: dict[str, object] = {"name": message.name, "response": response}
                if message.call_id in self._given_ids:
                    told = {"id": message.call_id, **told}
                return [encode({"functionResponse": told})]
            case AssistantMessage():
                return self._answer(message)
            case SystemMessage():
                return []

    def _answer(self, message: AssistantMessage) -> list[str]:
        """Write an answer; a signature goes back on the very part that it came with."""
        state = owned_state(message, provider=self._provider, model=self._request.model)
        self._given_ids.update(as_list(state.get("given_ids")))
        pieces = arranged(message, as_list(state.get("layout")))
        parts: list[str] = []
        is_signed = not _SIGNS.search(self._request.model)
        for place, piece in enumerate(pieces):
            following = pieces[place + 1] if place + 1 < len(pieces) else None
            signature = following if _is_signature(following) else None
            if isinstance(piece, str):
                if piece or signature:
                    parts.append(_signed(encode({"text": piece}), signature))
            elif isinstance(piece, ToolCall):
                if not signature and not is_signed:
                    signature = {"thoughtSignature": NO_SIGNATURE}
                is_signed = True  # the first call of an answer speaks for all
                parts.append(_signed(self._call(piece), signature))
            elif not _is_signature(piece):
                parts.append(encode(piece))
        return parts

    def _call(self, call: ToolCall) -> str:
        call_id = f'"id":{encode(call.id)},' if call.id in self._given_ids else ""
        return (
            f'{{"functionCall":{{{call_id}"name":{encode(call.name)},'
            f'"args":{valid_arguments(call.arguments_json)}}}}}'
        )


def _picture(image: Image) -> str:
    data = {"mimeType": image.media_type, "data": image.data_base64}
    return encode({"inlineData": data})


def _is_signature(piece: object) -> bool:
    """Tell whether a block is the signature of the part before it, and no part of its own."""
    return isinstance(piece, dict) and "text" not in piece


def _signed(part: str, signature: object) -> str:
    return f"{part[:-1]},{encode(signature)[1:]}" if signature else part


def _tool_json(tool: ToolSpec) -> str:
    return (
        f'{{"name":{encode(tool.name)},"description":{encode(tool.description)},'
        f'"parametersJsonSchema":{tool.schema_json}}}'
    )
