"""Send one request and read its reply, in any dialect: what all adapters share.

A dialect brings a ``ReplyReader``, a plain object that is pushed events and never waits. Whether
the body is a stream of events or one JSON document is seen from its first byte, because neither the
request nor ``content-type`` tells reliably.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import Protocol

from ralex.core.stream import ProviderPart, StreamPart
from ralex.errors import ProviderError, ProviderTimeoutError, StreamCutError
from ralex.providers.faults import (
    Origin,
    cut_stream,
    error_from_response,
    malformed,
)
from ralex.providers.http import HttpClient, HttpReply
from ralex.providers.rate_limits import rate_limits
from ralex.providers.shapes import decode
from ralex.providers.sse import SseEvent, SseLimitError, SseParser

_ERROR_BODY_BYTES = 256 * 1024
_DOCUMENT_BYTES = 64 * 1024 * 1024
_BLANK_BYTES = 1024 * 1024

_AFTER_FINISH_S = 15.0
"""Wait for what may follow a finish reason (usage, price) where no end mark comes."""

_AFTER_END_S = 2.0
"""Wait for what may follow the end mark (OpenCode Zen's price) where the connection stays open."""

_QUIET_FACTOR = 5
"""Keep-alives without an event are borne this many times ``first_byte_s``, then never again."""


class ReplyReader(Protocol):
    """Reads one reply in one dialect.

    Attributes:
        failure: An error found in the reply; raised once the parts before it are out.
        is_complete: The reply said why it ended; what is missing now is only its account.
        has_ended: The dialect's last event has come.
    """

    failure: ProviderError | None
    is_complete: bool
    has_ended: bool

    def take_event(self, event: SseEvent) -> list[StreamPart]:
        """Read one event.

        Raises:
            ProviderError: If it cannot be read.
        """
        ...

    def take_document(self, document: object) -> list[StreamPart]:
        """Read a reply that came as one JSON document."""
        ...

    def finish(self) -> list[StreamPart]:
        """End the reply: parts still held back, then StreamFinished.

        Raises:
            StreamCutError: If the reply never said that it is complete.
        """
        ...


class _Clock:
    """Bounds the waits of one streamed reply, keep-alives and trickles included."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._heard_at = time.monotonic()
        self._complete_at: float | None = None
        self.has_begun = False

    def wait_s(self, reader: ReplyReader, *, has_event: bool, origin: Origin) -> float | None:
        """Give the longest wait for the next bytes; None if none are worth waiting for.

        Raises:
            ProviderTimeoutError: If only keep-alives have come for too long.
        """
        now = time.monotonic()
        if has_event:
            self._heard_at = now
        if reader.is_complete:
            if self._complete_at is None:
                self._complete_at = now
            patience_s = _AFTER_END_S if reader.has_ended else _AFTER_FINISH_S
            left_s = self._complete_at + patience_s - now
            return min(left_s, self._http.idle_s) if left_s > 0 else None
        quiet_s = _QUIET_FACTOR * self._http.first_byte_s
        if now - self._heard_at > quiet_s:
            raise ProviderTimeoutError(
                f"{origin.provider} sent nothing but keep-alives for {quiet_s:g} s",
                hint="try again, or choose another model with /model",
            )
        # Before the answer begins a model may think in silence as long as for its first byte.
        return self._http.idle_s if self.has_begun else self._http.first_byte_s


@asynccontextmanager
async def exchange(
    http: HttpClient,
    path: str,
    body: bytes,
    reader: ReplyReader,
    origin: Origin,
    headers: Mapping[str, str] | None = None,
) -> AsyncGenerator[AsyncIterator[ProviderPart], None]:
    """Send a request and give the parts of its reply; leaving early closes the connection.

    The provider's rate limits come before the parts, if its headers tell any.

    Raises:
        ProviderError: On entering, for an error status or a failed connection; while iterating, for
            everything that comes later.
    """
    async with http.post_stream(path, body, headers) as reply:
        if not 200 <= reply.status < 300:
            raise error_from_response(
                reply.status,
                reply.headers,
                await reply.read(limit_bytes=_ERROR_BODY_BYTES),
                provider=origin.provider,
                now=datetime.now(UTC),
                key_names=origin.key_names,
                secret=origin.secret,
            )
        parts = _parts(reply, reader, origin, http)
        async with aclosing(parts):
            yield parts


async def _parts(
    reply: HttpReply, reader: ReplyReader, origin: Origin, http: HttpClient
) -> AsyncGenerator[ProviderPart, None]:
    limits = rate_limits(reply.headers, now=datetime.now(UTC))
    if limits is not None:
        yield limits
    async with aclosing(reply.chunks()) as chunks:
        head = await _first_bytes(chunks, origin)
        if head.lstrip()[:1] in (b"{", b"["):
            document = await _document(head, chunks, origin)
            for part in reader.take_document(document):
                yield part
            if reader.failure is not None:
                raise reader.failure
        else:
            async with aclosing(_streamed(head, chunks, reply, reader, origin, http)) as batches:
                async for batch in batches:
                    for part in batch:
                        yield part
    for part in reader.finish():
        yield part


async def _streamed(
    head: bytes,
    chunks: AsyncGenerator[bytes, None],
    reply: HttpReply,
    reader: ReplyReader,
    origin: Origin,
    http: HttpClient,
) -> AsyncGenerator[list[StreamPart], None]:
    """Yield the parts that came together; what came before a failure is out before it is raised."""
    parser = SseParser()
    clock = _Clock(http)
    chunk: bytes | None = head
    while chunk is not None:
        events = _events(parser, chunk, origin)
        batch, failure = _read(events, reader)
        if batch:
            clock.has_begun = True
            yield batch
        if failure is not None:
            raise failure
        wait_s = clock.wait_s(reader, has_event=bool(events), origin=origin)
        if wait_s is None:
            break
        reply.wait_s = wait_s
        try:
            chunk = await anext(chunks, None)
        except (ProviderTimeoutError, StreamCutError):
            if not reader.is_complete:
                raise
            break
    batch, failure = _read(parser.finish(), reader)
    yield batch
    if failure is not None:
        raise failure


def _read(
    events: list[SseEvent], reader: ReplyReader
) -> tuple[list[StreamPart], ProviderError | None]:
    batch: list[StreamPart] = []
    for event in events:
        try:
            batch += reader.take_event(event)
        except ProviderError as error:
            return batch, error
        if reader.failure is not None:
            return batch, reader.failure
    return batch, None


def _events(parser: SseParser, chunk: bytes, origin: Origin) -> list[SseEvent]:
    try:
        return parser.feed(chunk)
    except SseLimitError as error:
        raise malformed(str(error), origin) from error


async def _first_bytes(chunks: AsyncGenerator[bytes, None], origin: Origin) -> bytes:
    """Read up to the first byte that is not blank; some servers send blanks to keep awake."""
    head = b""
    async for chunk in chunks:
        head += chunk
        visible = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        if head in (b"\xef", b"\xef\xbb") or not visible:
            if len(head) > _BLANK_BYTES:
                raise malformed("nothing but blanks", origin)
            continue
        if visible.startswith(b"<"):
            raise malformed("a web page came instead of an answer", origin)
        return head if not visible.startswith((b"{", b"[")) else visible
    raise cut_stream(origin)


async def _document(head: bytes, chunks: AsyncGenerator[bytes, None], origin: Origin) -> object:
    body = bytearray(head)
    async for chunk in chunks:
        body += chunk
        if len(body) > _DOCUMENT_BYTES:
            raise malformed(f"longer than {_DOCUMENT_BYTES:,} bytes", origin)
    try:
        return decode(body.decode("utf-8", "replace").strip())
    except ValueError as error:
        raise malformed(f"broken JSON, {error}", origin) from error
