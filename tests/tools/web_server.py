"""A loopback server that answers as it is told, one thread for each connection."""

import socket
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import TypeAlias

Answer: TypeAlias = Callable[[str, socket.socket], None]


class WebServer:
    """Answers requests and remembers what was sent.

    Attributes:
        requests: The head of each request, as sent.
    """

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[str] = []
        self._answer = answer
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http{'s' if self._tls else ''}://{host}:{self.port}{path}"

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, plain: socket.socket) -> None:
        try:
            with plain, self._tls.wrap_socket(plain, server_side=True) if self._tls else plain as c:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = c.recv(4096)
                    if not piece:
                        return
                    head += piece
                self.requests.append(head.decode("latin-1"))
                self._answer(head.split(b" ")[1].decode(), c)
        except OSError:
            return


def reply(body: bytes, kind: str = "text/html", status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    if kind:
        lines.append(f"Content-Type: {kind}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextmanager
def serving(answer: Answer | bytes, tls: ssl.SSLContext | None = None) -> Generator[WebServer]:
    """Serve the same answer to everybody, or what a function writes."""
    given = answer

    def write(path: str, connection: socket.socket) -> None:
        if isinstance(given, bytes):
            connection.sendall(given)
        else:
            given(path, connection)

    server = WebServer(write, tls)
    try:
        yield server
    finally:
        server.close()
