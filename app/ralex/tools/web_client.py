"""Fetch one page: no cookies, no keys, no proxy, every hop checked, time and size bounded.

The standard library's client is used because the connection must go to the address that was
checked: a name looked up a second time may have moved (DNS rebinding). It blocks, so it runs in a
thread; whoever waits can close the socket under it.
"""

import http.client
import socket
import ssl
import time
import zlib
from dataclasses import field
from urllib.parse import urljoin

from ralex.core.records import dataclass
from ralex.errors import ToolError
from ralex.tools.web_address import Target, addresses_of, target_of
from ralex.version import __version__

MAX_REDIRECTS = 5
MAX_BODY_BYTES = 2 * 1024 * 1024
CONNECT_S = 10.0
IDLE_S = 15.0
TOTAL_S = 40.0
_CHUNK = 32 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {
    "User-Agent": f"ralex/{__version__}",
    "Accept": "text/html, text/plain, text/markdown, application/json;q=0.9, */*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
    "Accept-Language": "en, *;q=0.5",
    "Connection": "close",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came.

    Attributes:
        url: Where it came from, after redirects.
        content_type: As the server says, in lower case; may be empty.
        is_cut: There was more than is taken.
        is_broken: The connection ended before the page did.
        length: What the server says its size is, or None.
    """

    url: str
    status: int
    content_type: str
    body: bytes
    is_cut: bool
    is_broken: bool = False
    length: int | None = None


@dataclass(slots=True)
class Fetch:
    """One fetch, run in a thread with ``run`` and ended from another with ``stop``.

    Args:
        allow_private: Ask private addresses and this machine as well.
        idle_s: The longest wait for the next piece; ``total_s`` bounds everything.
    """

    url: str
    allow_private: bool = False
    idle_s: float = IDLE_S
    total_s: float = TOTAL_S
    tls: ssl.SSLContext | None = None
    _socket: socket.socket | None = None
    _is_stopped: bool = False
    _ends_at: float = field(default=0.0)

    def run(self) -> Answer:
        """Follow redirects to the page, within its site: rules of the user may name hosts.

        Raises:
            ToolError: If it may not or cannot be fetched.
        """
        self._ends_at = time.monotonic() + self.total_s
        target = target_of(self.url)
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._ask(target)
            if isinstance(answer, Answer):
                return answer
            following = target_of(_joined(target.url, answer))
            if _site(following) != _site(target):
                raise ToolError(
                    f"{target.url} leads on to another site, {following.url}: fetch that if it is "
                    "what you want"
                )
            target = following
        raise ToolError(f"{self.url} leads on through more than {MAX_REDIRECTS} redirects")

    def stop(self) -> None:
        """End it from another thread: what it waits for fails at once."""
        self._is_stopped = True
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

    def _ask(self, target: Target) -> Answer | str:
        """Ask once; gives where it leads on to, if it does."""
        addresses = addresses_of(target, allow_private=self.allow_private)
        connection = http.client.HTTPConnection(target.host, target.port)
        try:
            connection.sock = self._connected(target, addresses)
            connection.request("GET", target.path, headers=_HEADERS)
            response = connection.getresponse()
            leads_to = response.getheader("Location")
            if response.status in _REDIRECTS and leads_to:
                return leads_to
            body, is_cut = self._body(response)
        except (
            TimeoutError,
            ssl.SSLError,
            OSError,
            http.client.HTTPException,
            zlib.error,
        ) as error:
            raise ToolError(
                f"{target.host} cannot be fetched from: {self._reason(error)}"
            ) from None
        finally:
            self._socket = None
            connection.close()
        length = response.getheader("Content-Length") or ""
        return Answer(
            url=target.url,
            status=response.status,
            content_type=(response.getheader("Content-Type") or "").strip().casefold(),
            body=body,
            is_cut=is_cut,
            is_broken=not is_cut and bool(response.length),
            length=int(length) if length.isdecimal() and len(length) < 16 else None,
        )

    def _connected(self, target: Target, addresses: list[str]) -> socket.socket:
        """Connect to one of the checked addresses; the certificate is that of the name."""
        fault: OSError | None = None
        for address in addresses[:4]:
            try:
                plain = socket.create_connection(
                    (address, target.port), min(CONNECT_S, self._left())
                )
            except OSError as error:
                fault = error
                continue
            self._socket = plain
            plain.settimeout(min(self.idle_s, self._left()))
            if not target.is_tls:
                return plain
            context = self.tls or _context()
            try:
                self._socket = context.wrap_socket(plain, server_hostname=target.host)
            except BaseException:
                plain.close()
                raise
            return self._socket
        raise fault or OSError("no address answers")

    def _body(self, response: http.client.HTTPResponse) -> tuple[bytes, bool]:
        """Read up to the limit, packed bodies unpacked within it."""
        packed = (response.getheader("Content-Encoding") or "identity").strip().casefold()
        if packed not in ("identity", "", "gzip", "x-gzip", "deflate"):
            raise ToolError(f"the page is packed in a way that cannot be read ({packed[:40]})")
        unpack = None if packed in ("identity", "") else zlib.decompressobj(zlib.MAX_WBITS | 32)
        body = bytearray()
        is_first = True
        while len(body) <= MAX_BODY_BYTES:
            self._bound()
            chunk = response.read1(_CHUNK)
            if not chunk:
                break
            room = MAX_BODY_BYTES + 1 - len(body)
            if unpack is not None and is_first and packed == "deflate" and not _has_head(chunk):
                unpack = zlib.decompressobj(-zlib.MAX_WBITS)  # as some servers understand it
            is_first = False
            body += chunk if unpack is None else unpack.decompress(chunk, room)
        return bytes(body[:MAX_BODY_BYTES]), len(body) > MAX_BODY_BYTES

    def _bound(self) -> None:
        if self._socket is not None:
            self._socket.settimeout(min(self.idle_s, self._left()))

    def _left(self) -> float:
        left = self._ends_at - time.monotonic()
        if self._is_stopped or left <= 0:
            raise TimeoutError
        return left

    def _reason(self, error: Exception) -> str:
        match error:
            case TimeoutError():
                return f"nothing came within {self.idle_s:g} s, or all within {self.total_s:g} s"
            case ssl.SSLCertVerificationError():
                return f"its certificate is not valid ({error.verify_message})"
            case ssl.SSLError():
                return "no secure connection came about"
            case zlib.error():
                return "the page is not packed as the server says"
            case http.client.RemoteDisconnected() | http.client.IncompleteRead():
                return "it closed the connection before the page had come"
            case OSError() if error.strerror:
                return error.strerror
            case _:
                return "what it sent is not HTTP"


def _has_head(packed: bytes) -> bool:
    """Tell whether packed bytes begin as the format zlib does."""
    return len(packed) > 1 and packed[0] & 15 == 8 and int.from_bytes(packed[:2], "big") % 31 == 0


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise ToolError(f"{url} leads on to what is no URL: {location[:200]!r}") from None


def _site(target: Target) -> str:
    return target.host.removeprefix("www.")


def _context() -> ssl.SSLContext:
    """Trust what the system trusts, or certifi's list where the system has none for Python."""
    paths = ssl.get_default_verify_paths()
    if not paths.cafile and not paths.capath:
        try:
            import certifi  # noqa: PLC0415 - comes with the HTTP library
        except ImportError:
            return ssl.create_default_context()
        return ssl.create_default_context(cafile=certifi.where())
    return ssl.create_default_context()
