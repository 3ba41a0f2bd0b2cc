"""OpenAI's Responses dialect, spoken also by Azure, xAI, OpenRouter and OpenCode Zen."""

from typing_extensions import override

from ralex.core.messages import ModelRequest
from ralex.providers.adapter import Adapter, Prepared
from ralex.providers.faults import Origin
from ralex.providers.http import HttpClient
from ralex.providers.responses_reply import ResponsesReply
from ralex.providers.responses_request import write_request


class OpenAIResponses(Adapter):
    """One endpoint of the Responses dialect.

    Args:
        has_cache_key: The server takes ``prompt_cache_key``.
    """

    def __init__(self, http: HttpClient, *, origin: Origin, has_cache_key: bool) -> None:
        super().__init__(http, origin=origin)
        self._has_cache_key = has_cache_key

    @override
    def _prepare(self, request: ModelRequest) -> Prepared:
        return Prepared(
            path="/responses",
            body=write_request(
                request, provider=self._origin.provider, has_cache_key=self._has_cache_key
            ),
            reader=ResponsesReply(model=request.model, origin=self._origin),
        )
