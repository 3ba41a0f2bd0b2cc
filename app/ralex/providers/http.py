"""The one module that knows the HTTP library; a successor of httpx would be put in here.

It sends one kind of request, a POST whose answer may stream, and turns every failure of the library
into ralex's own errors. Every wait is bounded: connecting, the answer's head, and each piece of its
body.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from ralex.providers import lean_httpx

lean_httpx.prepare()
import httpx

from ralex.errors import (
    ConfigError,
    ConnectError,
    MalformedReplyError,
    ProviderError,
    ProviderTimeoutError,
    StreamCutError,
)
from ralex.providers.watchdog import Watchdog

_TRY_AGAIN = "try again; if it stays so, choose another model with /model"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class HttpReply:
    """An answer whose head has come and whose body is read piece by piece.

    Attributes:
        status: The HTTP status.
        headers: With names in lower case.
        wait_s: The longest wait for the next piece, in seconds; the reader of the body lowers it
            once the answer has begun.
    """

    def __init__(self, response: httpx.Response, *, where: str, wait_s: float) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = {
            name.lower(): value for name, value in response.headers.items()
        }
        self.wait_s = wait_s
        self._response = response
        self._where = where

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the decoded body as it comes.

        Raises:
            ProviderTimeoutError: If nothing comes for ``wait_s``.
            StreamCutError: If the connection breaks.
        """
        is_packed = "content-encoding" in self.headers
        pieces = self._response.aiter_bytes() if is_packed else self._response.aiter_raw()
        watchdog = Watchdog()
        try:
            while (piece := await self._next(pieces, watchdog)) is not None:
                yield piece
        finally:
            watchdog.close()
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()

    async def read(self, *, limit_bytes: int) -> bytes:
        """Read what is left of a short body, up to a limit; a break ends it quietly."""
        body = bytearray()
        chunks = self.chunks()
        try:
            with suppress(ProviderError):
                async for chunk in chunks:
                    body += chunk
                    if len(body) >= limit_bytes:
                        break
        finally:
            await chunks.aclose()
        return bytes(body[:limit_bytes])

    async def _next(self, pieces: AsyncIterator[bytes], watchdog: Watchdog) -> bytes | None:
        try:
            return await watchdog.bound(anext(pieces, None), self.wait_s)
        except TimeoutError as error:
            raise ProviderTimeoutError(
                f"{self._where} sent nothing for {self.wait_s:g} s in the middle of the reply",
                hint=_TRY_AGAIN,
            ) from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise _failure(error, self._where, has_head=True) from error


class HttpClient:
    """Connections to one provider; opened when first needed, closed by ``aclose``.

    Redirects are not followed, because the key would travel along.

    Args:
        base_url: Without a slash at the end; a query (Azure's ``api-version``) is kept.
        headers: Sent with every request, the key among them; never shown.
        connect_s: Limit for connecting, in seconds.
        first_byte_s: Limit from sending to the answer's head and to its first piece.
        idle_s: Limit between two pieces once the answer has begun; applied by who reads the reply.
    """

    def __init__(
        self,
        *,
        base_url: str,
        headers: Mapping[str, str],
        connect_s: float,
        first_byte_s: float,
        idle_s: float,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(
                f"base_url {base_url!r} is not an http or https address",
                hint='write it like "https://api.example.com/v1"',
            )
        _refuse_unsendable(headers)
        self.first_byte_s = first_byte_s
        self.idle_s = idle_s
        self._connect_s = connect_s
        self._base = base_url.split("?", 1)[0].rstrip("/")
        self._query = parts.query
        self._is_tls = parts.scheme == "https"
        self._host = parts.hostname
        port = parts.port or (443 if self._is_tls else 80)
        self._where = f"{self._host}:{port}"
        self._headers = dict(headers)
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        """Show where it leads and nothing of the headers."""
        return f"HttpClient({self._where})"

    @asynccontextmanager
    async def post_stream(
        self, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[HttpReply, None]:
        """Send a body and give the answer once its head has come; leaving closes the connection.

        Args:
            path: Appended to the base URL.

        Raises:
            ConnectError: Nothing answers there; the request was not sent.
            ProviderTimeoutError: The head did not come within ``first_byte_s``.
            StreamCutError: The connection broke before the head came.
        """
        client = await self._opened()
        request = client.build_request(
            "POST", self._url(path), content=body, headers=dict(headers or {})
        )
        started = time.monotonic()
        response = await self._send(client, request)
        try:
            spent_s = time.monotonic() - started
            wait_s = max(self.first_byte_s - spent_s, min(self.idle_s, self.first_byte_s))
            yield HttpReply(response, where=self._where, wait_s=wait_s)
        finally:
            with suppress(httpx.HTTPError, httpx.StreamError):
                await response.aclose()

    async def aclose(self) -> None:
        """Close every connection; the next request opens new ones."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    async def _send(self, client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(self._connect_s + self.first_byte_s):
                return await client.send(request, stream=True)
        except TimeoutError as error:
            raise ProviderTimeoutError(
                f"{self._where} did not answer within {self.first_byte_s:g} s", hint=_TRY_AGAIN
            ) from error
        except httpx.HTTPError as error:
            raise _failure(error, self._where, has_head=False) from error

    def _url(self, path: str) -> str:
        if not self._query:
            return self._base + path
        return f"{self._base}{path}{'&' if '?' in path else '?'}{self._query}"

    async def _opened(self) -> httpx.AsyncClient:
        """Give the client of the running event loop; connections of a closed loop are dead."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            # Reading the certificates takes tens of milliseconds, too long for the event loop.
            client = await asyncio.to_thread(self._open) if self._is_tls else self._open()
            if self._client is None or self._loop is not loop:
                self._client, self._loop = client, loop
        return self._client

    def _open(self) -> httpx.AsyncClient:
        is_local = self._host in _LOOPBACK
        return httpx.AsyncClient(
            headers=self._headers,
            verify=httpx.create_ssl_context() if self._is_tls else False,
            timeout=httpx.Timeout(
                None, connect=self._connect_s, read=self.first_byte_s, write=self.first_byte_s
            ),
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=20, keepalive_expiry=30.0
            ),
            follow_redirects=False,
            trust_env=not is_local,  # a proxy from the environment cannot see this machine
        )


def _failure(error: Exception, where: str, *, has_head: bool) -> ProviderError:
    """Convert the library's error; its own text is not shown, because it may quote headers."""
    match error:
        case httpx.ConnectTimeout():
            return ConnectError(f"cannot reach {where}: no connection in time", hint=_reach(where))
        case httpx.ConnectError() | httpx.ProxyError():
            reason = _system_reason(error)
            text = f"cannot reach {where}" + (f": {reason}" if reason else "")
            return ConnectError(text, hint=_reach(where))
        case httpx.TimeoutException():
            when = "in the middle of the reply" if has_head else "in time"
            return ProviderTimeoutError(f"{where} did not answer {when}", hint=_TRY_AGAIN)
        case httpx.DecodingError():
            return MalformedReplyError(f"{where} sent a damaged compressed reply", hint=_TRY_AGAIN)
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return ProviderError(f"the request to {where} cannot be sent", hint="check base_url")
        case _:
            when = "in the middle of the reply" if has_head else "before it answered"
            return StreamCutError(f"{where} closed the connection {when}", hint=_TRY_AGAIN)


def _system_reason(error: BaseException) -> str:
    """Find the operating system's own words at the root of a connection error."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        seen = seen.__cause__ or seen.__context__
    return ""


def _reach(where: str) -> str:
    return f"check the network, a proxy, and that something listens at {where}"


def _refuse_unsendable(headers: Mapping[str, str]) -> None:
    """Refuse what cannot stand in a header before the library quotes it in its own error."""
    for name, value in headers.items():
        if not (name.isascii() and value.isascii() and value.isprintable() and name.isprintable()):
            raise ConfigError(
                f"the value of header {name!r} holds characters that cannot be sent",
                hint="copy the key again, without spaces, line breaks or quotation marks",
            )
