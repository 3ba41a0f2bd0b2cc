"""A real server on the loopback that answers with the bytes it is told, in the pieces it is told.

Each request takes the next answer of the script; a request beyond the script fails the test when
the server closes.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import pytest


@dataclass(frozen=True, slots=True)
class Pause:
    """Send nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hang:
    """Send nothing more and keep the connection open."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection without a proper end."""


Step: TypeAlias = bytes | Pause | Hang | Reset
Answer: TypeAlias = Sequence[Step] | bytes


@dataclass(slots=True)
class Received:
    """One request as it came over the wire."""

    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        """The body, parsed."""
        return cast("dict[str, object]", json.loads(self.body))


@dataclass(slots=True)
class Server:
    """A running loopback server.

    Attributes:
        url: Its base address, without a slash at the end.
        hung_up: Set when a client closes a connection that still waits for its answer.
    """

    url: str = ""
    requests: list[Received] = field(default_factory=list[Received])
    answers: list[Answer] = field(default_factory=list[Answer])
    problems: list[str] = field(default_factory=list[str])
    connections: int = 0
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, one request after the other."""
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line = (await reader.readline()).decode("latin-1")
        if not line:
            return False
        headers: dict[str, str] = {}
        while raw := (await reader.readline()).decode("latin-1").strip():
            name, _, value = raw.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append(Received(line.split(" ")[1], headers, body))
        if len(self.requests) > len(self.answers):
            self.problems.append(f"request {len(self.requests)} is beyond the script")
            return False
        answer = self.answers[len(self.requests) - 1]
        for step in [answer] if isinstance(answer, bytes) else answer:
            match step:
                case bytes():
                    writer.write(step)
                    await writer.drain()
                case Pause(seconds=seconds):
                    await asyncio.sleep(seconds)
                case Hang():
                    await reader.read()
                    self.hung_up.set()
                    return False
                case Reset():
                    await asyncio.sleep(0.02)  # what was written must reach the peer first
                    writer.transport.abort()
                    return False
        first = answer if isinstance(answer, bytes) else cast("bytes", answer[0])
        return b"connection: close" not in first.lower()


Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[Server]]


@asynccontextmanager
async def serving(*answers: Answer) -> AsyncGenerator[Server, None]:
    """Run a server with a script of answers, one for each request in turn."""
    server = Server(answers=list(answers))
    listening = await asyncio.start_server(server.connected, "127.0.0.1", 0)
    host, port = cast("tuple[str, int]", listening.sockets[0].getsockname())
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()
    assert not server.problems, server.problems


@pytest.fixture
def serve() -> Serve:
    """Give the way to run a loopback server."""
    return serving


def http(
    body: bytes | str = b"",
    *,
    status: int = 200,
    content_type: str = "application/json",
    headers: str = "",
) -> bytes:
    """Write a whole HTTP answer with a length."""
    raw = body.encode() if isinstance(body, str) else body
    return (
        f"HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\n"
        f"content-length: {len(raw)}\r\nconnection: close\r\n{headers}\r\n"
    ).encode() + raw


def json_http(value: object, *, status: int = 200, headers: str = "") -> bytes:
    """Write a whole HTTP answer of JSON."""
    return http(json.dumps(value), status=status, headers=headers)


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
"""Head of a stream that ends when the connection is closed."""


def event(value: object, *, name: str = "") -> bytes:
    """Write one server-sent event; a string is sent as it is."""
    data = value if isinstance(value, str) else json.dumps(value)
    return ((f"event: {name}\n" if name else "") + f"data: {data}\n\n").encode()


def chat_chunk(content: str | None = None, **more: object) -> bytes:
    """Write one chunk of OpenAI's chat dialect; ``finish`` and ``delta`` go into its choice."""
    delta = more.pop("delta", {} if content is None else {"content": content})
    choice = {"index": 0, "delta": delta, "finish_reason": more.pop("finish", None)}
    return event({"id": "c", "model": "m", "choices": [choice], **more})
