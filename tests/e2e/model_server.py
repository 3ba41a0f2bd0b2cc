"""A real HTTP server on loopback that speaks the OpenAI chat dialect from a script of replies."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, cast


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One scripted HTTP answer.

    Attributes:
        calls: Tool calls as (name, arguments); arguments given as text are sent as they are.
        status: Other than 200 sends ``body`` as it is.
        cut_after: Send only so many bytes of the stream and drop the connection.
    """

    text: str = ""
    calls: tuple[tuple[str, Mapping[str, object] | str], ...] = ()
    status: int = 200
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    prompt_tokens: int = 1_000
    completion_tokens: int = 100
    cut_after: int | None = None
    stalls: bool = False

    def stream(self) -> bytes:
        words = self.text.split(" ") if self.text else []
        chunks: list[dict[str, object]] = [
            {"choices": [{"index": 0, "delta": {"content": word + " "}}]} for word in words
        ]
        for index, (name, arguments) in enumerate(self.calls):
            call = {
                "index": index,
                "id": f"call_{index}_{abs(hash((name, str(arguments)))) % 10_000}",
                "type": "function",
                "function": {
                    "name": name,
                    "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments),
                },
            }
            chunks.append({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})
        reason = "tool_calls" if self.calls else "stop"
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        usage = {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }
        chunks.append({"choices": [], "usage": usage})
        lines = [f"data: {json.dumps({'id': 'x', 'model': 'm', **chunk})}\n\n" for chunk in chunks]
        return "".join([*lines, "data: [DONE]\n\n"]).encode()


@dataclass
class ModelServer:
    """Serves answers in order; the last one repeats."""

    answers: Sequence[Answer]
    requests: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def __enter__(self) -> Self:
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                model.requests.append(json.loads(self.rfile.read(length)))
                model.headers.append({k.lower(): v for k, v in self.headers.items()})
                place = min(len(model.requests), len(model.answers)) - 1
                self.answer(model.answers[place])

            def answer(self, answer: Answer) -> None:
                is_stream = answer.status == 200 and not answer.body
                body = answer.stream() if is_stream else answer.body.encode()
                self.send_response(answer.status)
                kind = "text/event-stream" if is_stream else "application/json"
                self.send_header("content-type", kind)
                for name, value in answer.headers:
                    self.send_header(name, value)
                if answer.cut_after is None and not answer.stalls:
                    self.send_header("content-length", str(len(body)))
                else:
                    self.send_header("connection", "close")
                    self.close_connection = True
                self.end_headers()
                self.wfile.write(body if answer.cut_after is None else body[: answer.cut_after])
                self.wfile.flush()
                if answer.stalls:
                    model.stop.wait(30)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Stay quiet."""

        self.stop = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def messages(self, place: int = -1) -> list[dict[str, Any]]:
        """Give the messages of one request, by default the newest."""
        return cast("list[dict[str, Any]]", self.requests[place]["messages"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"
