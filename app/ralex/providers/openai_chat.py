"""OpenAI's chat dialect, spoken also by OpenRouter, DeepSeek, Groq, Mistral, Ollama and others."""

from typing_extensions import override

from ralex.core.messages import ModelRequest
from ralex.providers.adapter import Adapter, Prepared
from ralex.providers.chat_reply import ChatReply
from ralex.providers.chat_request import write_request
from ralex.providers.faults import Origin
from ralex.providers.flavours import Flavour
from ralex.providers.http import HttpClient

_LONGEST_SESSION_ID = 256


class OpenAIChat(Adapter):
    """One endpoint of the chat dialect.

    Args:
        flavour: What this provider wants differently.
        splits_thinking: Take ``<think>…</think>`` at the start of an answer as reasoning.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        flavour: Flavour,
        origin: Origin,
        splits_thinking: bool = True,
    ) -> None:
        super().__init__(http, origin=origin)
        self._flavour = flavour
        self._splits_thinking = splits_thinking

    @override
    def _prepare(self, request: ModelRequest) -> Prepared:
        headers: dict[str, str] = {}
        if self._flavour.session_header and request.session_id:
            headers[self._flavour.session_header] = request.session_id[:_LONGEST_SESSION_ID]
        return Prepared(
            path="/chat/completions",
            body=write_request(request, self._flavour, provider=self._origin.provider),
            reader=ChatReply(
                model=request.model, origin=self._origin, splits_thinking=self._splits_thinking
            ),
            headers=headers,
        )
