"""Spans as the real OpenTelemetry SDK collects them."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import pytest

from ralex.agent.session import Session
from ralex.config.model import Config, Logging
from ralex.core.usage import Usage
from ralex.errors import AuthenticationError
from ralex.providers.scripted import ScriptedCall, ScriptedStep
from tests.agent.stand import Stand, play

pytest.importorskip("opentelemetry.sdk.trace", reason="opentelemetry-sdk is not installed")

ASK = "please list the xylophones"
ANSWER = "there are zero zithers"


class Context(Protocol):
    trace_id: int
    span_id: int


class ReadSpan(Protocol):
    """What is read of a finished span."""

    name: str
    context: Context
    parent: Context | None
    kind: object
    attributes: Mapping[str, object]
    start_time: int
    end_time: int


class Exporter(Protocol):
    def get_finished_spans(self) -> Sequence[ReadSpan]: ...

    def clear(self) -> None: ...


@pytest.fixture(scope="module")
def collected() -> Exporter:
    """Let the process's one provider keep spans in memory, as a user's own set-up sends them."""
    sdk = import_module("opentelemetry.sdk.trace")
    export = import_module("opentelemetry.sdk.trace.export")
    memory = import_module("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = memory.InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    import_module("opentelemetry.trace").set_tracer_provider(provider)
    return cast("Exporter", exporter)


@pytest.fixture
def exporter(collected: Exporter) -> Exporter:
    collected.clear()
    return collected


@pytest.fixture
async def stack() -> AsyncGenerator[AsyncExitStack, None]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
def stand(tmp_path: Path, stack: AsyncExitStack) -> Stand:
    return Stand(tmp_path, stack)


def tracing(config: Config) -> Config:
    return replace(config, log=Logging(otel=True))


async def run(session: Session, stack: AsyncExitStack) -> None:
    await play(session, ASK)
    await stack.aclose()


async def test_a_turn_holds_its_calls_and_its_tools(
    stand: Stand, stack: AsyncExitStack, exporter: Exporter
) -> None:
    usage = Usage(input_tokens=100, cache_read_tokens=20, cache_write_tokens=3, output_tokens=7)
    session = await stand.open(
        [
            ScriptedStep(calls=(ScriptedCall(name="ls", arguments={"path": "."}),), usage=usage),
            ScriptedStep(text=ANSWER),
        ],
        change=tracing,
    )
    await run(session, stack)

    spans = exporter.get_finished_spans()
    assert [one.name for one in spans] == [
        "chat test/cheap",
        "execute_tool ls",
        "chat test/cheap",
        "invoke_agent ralex",
    ]
    turn = spans[-1]
    assert turn.parent is None
    for one in spans[:-1]:
        assert one.parent is not None
        assert one.parent.span_id == turn.context.span_id
        assert one.context.trace_id == turn.context.trace_id
        assert turn.start_time <= one.start_time <= one.end_time
    assert [str(one.kind) for one in spans] == [
        "SpanKind.CLIENT",
        "SpanKind.INTERNAL",
        "SpanKind.CLIENT",
        "SpanKind.INTERNAL",
    ]
    assert {
        name: spans[0].attributes[name]
        for name in spans[0].attributes
        if name.startswith("gen_ai.")
    } == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "test",
        "gen_ai.request.model": "cheap",
        "gen_ai.conversation.id": session.id,
        "gen_ai.usage.input_tokens": 123,
        "gen_ai.usage.cache_read.input_tokens": 20,
        "gen_ai.usage.cache_creation.input_tokens": 3,
        "gen_ai.usage.output_tokens": 7,
    }
    assert spans[1].attributes["gen_ai.operation.name"] == "execute_tool"
    assert spans[1].attributes["gen_ai.tool.name"] == "ls"
    assert turn.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert turn.attributes["gen_ai.agent.name"] == "ralex"


async def test_spans_hold_no_words(stand: Stand, stack: AsyncExitStack, exporter: Exporter) -> None:
    secret = ScriptedCall(name="bash", arguments={"command": "echo trombones"})
    session = await stand.open(
        [ScriptedStep(calls=(secret,), reasoning="saxophones"), ScriptedStep(text=ANSWER)],
        change=tracing,
    )
    await run(session, stack)

    text = str([(one.name, dict(one.attributes)) for one in exporter.get_finished_spans()])
    for word in ("xylophones", "zithers", "trombones", "saxophones"):
        assert word not in text


async def test_failures_say_what_they_are(
    stand: Stand, stack: AsyncExitStack, exporter: Exporter
) -> None:
    absent = ScriptedCall(name="read", arguments={"path": "absent.txt"})
    session = await stand.open(
        [ScriptedStep(calls=(absent,)), ScriptedStep(error=AuthenticationError("no"))],
        change=tracing,
    )
    await run(session, stack)

    by_name = {one.name: one for one in exporter.get_finished_spans()}
    assert by_name["execute_tool read"].attributes["error.type"] == "tool_error"
    assert by_name["invoke_agent ralex"].attributes["error.type"] == "auth"
