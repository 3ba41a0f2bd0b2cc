"""What the adapters of all dialects have in common."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import field

from ralex.core.messages import ModelRequest
from ralex.core.records import dataclass
from ralex.core.stream import ProviderPart
from ralex.providers.exchange import ReplyReader, exchange
from ralex.providers.faults import Origin
from ralex.providers.http import HttpClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request in its dialect.

    Attributes:
        path: Appended to the base URL.
        reader: Will read the reply; made for this request alone.
    """

    path: str
    body: bytes
    reader: ReplyReader
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Adapter(ABC):
    """One provider's endpoint; fits ``dispatch.ports.ChatProvider``.

    Args:
        http: Closed by ``aclose``.
    """

    def __init__(self, http: HttpClient, *, origin: Origin) -> None:
        self._http = http
        self._origin = origin

    @abstractmethod
    def _prepare(self, request: ModelRequest) -> Prepared:
        """Write the request in the dialect."""

    @asynccontextmanager
    async def stream(
        self, request: ModelRequest
    ) -> AsyncGenerator[AsyncIterator[ProviderPart], None]:
        """Send the request and yield the reply's parts; leaving early closes the connection.

        Raises:
            ProviderError: On entering the block, or while iterating.
        """
        ready = self._prepare(request)
        async with exchange(
            self._http, ready.path, ready.body, ready.reader, self._origin, ready.headers
        ) as parts:
            yield parts

    async def aclose(self) -> None:
        """Close the connections; the next request opens new ones."""
        await self._http.aclose()
