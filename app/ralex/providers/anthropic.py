"""Anthropic's Messages dialect, spoken also by OpenCode Zen and Go for some models."""

from typing_extensions import override

from ralex.core.messages import ModelRequest
from ralex.providers.adapter import Adapter, Prepared
from ralex.providers.anthropic_reply import AnthropicReply
from ralex.providers.anthropic_request import write_request
from ralex.providers.faults import Origin
from ralex.providers.http import HttpClient

VERSION = "2023-06-01"
"""The only version of the API that there is, by Anthropic's own documentation of 2026-11."""


class AnthropicMessages(Adapter):
    """One endpoint of the Messages dialect.

    Args:
        caches_alone: The server places cache marks in the messages by itself.
    """

    def __init__(self, http: HttpClient, *, origin: Origin, caches_alone: bool) -> None:
        super().__init__(http, origin=origin)
        self._caches_alone = caches_alone

    @override
    def _prepare(self, request: ModelRequest) -> Prepared:
        return Prepared(
            path="/messages",
            body=write_request(
                request, provider=self._origin.provider, caches_alone=self._caches_alone
            ),
            reader=AnthropicReply(model=request.model, origin=self._origin),
        )
