"""Fixtures for adapters: a loopback server and an adapter that talks to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from ralex.config.model import ProviderConfig, Timeouts
from ralex.core.messages import Message, ModelRequest, ToolSpec, UserMessage
from ralex.core.models import Api
from ralex.core.rate_limits import RateLimits
from ralex.core.stream import StreamFinished, StreamPart
from ralex.providers.registry import Provider, build_provider
from tests.providers.loopback import serve

__all__ = ["ask", "serve"]

KEY = "sk-very-secret-key-1234567890"


@dataclass(slots=True)
class Ask:
    """Sends one request to a base URL and collects the reply."""

    api: Api = Api.OPENAI_CHAT
    name: str = "acme"
    timeouts: Timeouts = field(
        default_factory=lambda: Timeouts(connect_s=2, first_byte_s=2, idle_s=2)
    )
    key: str | None = KEY
    headers: dict[str, str] = field(default_factory=dict[str, str])
    parts: list[StreamPart] = field(default_factory=list[StreamPart])
    limits: RateLimits | None = None

    def provider(self, url: str) -> Provider:
        config = ProviderConfig(
            name=self.name,
            api=self.api,
            base_url=url,
            api_key=self.key,
            key_names=("ACME_KEY",),
            headers=self.headers,
            needs_key=self.key is not None,
        )
        return build_provider(config, self.timeouts)

    async def __call__(
        self,
        url: str,
        *,
        messages: Sequence[Message] = (UserMessage(text="hi"),),
        tools: Sequence[ToolSpec] = (),
        stream: bool = True,
        model: str = "m",
        session_id: str = "",
        response_schema_json: str = "",
        temperature: float | None = None,
    ) -> StreamFinished:
        """Give the finished reply; every part of it is in ``parts``."""
        request = ModelRequest(
            model=model,
            messages=tuple(messages),
            tools=tuple(tools),
            max_output_tokens=100,
            stream=stream,
            session_id=session_id,
            response_schema_json=response_schema_json,
            temperature=temperature,
        )
        provider = self.provider(url)
        try:
            async with provider.stream(request) as parts:
                async for part in parts:
                    if isinstance(part, RateLimits):
                        self.limits = part
                    else:
                        self.parts.append(part)
        finally:
            await provider.aclose()
        last = self.parts[-1]
        assert isinstance(last, StreamFinished)
        return last


@pytest.fixture
def ask() -> Ask:
    """Give a client of the chat dialect with short limits."""
    return Ask()
