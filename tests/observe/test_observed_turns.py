"""What a whole turn leaves in the log and in the spans: facts, and nothing that was said."""

import json
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from ralex.agent.session import Session
from ralex.client import Client
from ralex.config.model import Config, Logging
from ralex.core.events import AgentEvent
from ralex.errors import AuthenticationError, MalformedReplyError
from ralex.providers.scripted import ScriptedCall, ScriptedProvider, ScriptedStep
from tests.agent.stand import Stand, make_config, play

ASK = "please list the xylophones"
ANSWER = "there are zero zithers"
STEPS = (
    ScriptedStep(calls=(ScriptedCall(name="ls", arguments={"path": "."}),)),
    ScriptedStep(text=ANSWER),
)


@pytest.fixture
async def stack() -> AsyncGenerator[AsyncExitStack, None]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
def stand(tmp_path: Path, stack: AsyncExitStack) -> Stand:
    return Stand(tmp_path, stack)


def records(home: Path) -> list[dict[str, object]]:
    text = (home / "logs" / "events.jsonl").read_text(encoding="ascii")
    return [json.loads(line) for line in text.splitlines()]


async def run(session: Session, stack: AsyncExitStack) -> list[AgentEvent]:
    events = await play(session, ASK)
    await stack.aclose()
    return events


async def test_a_turn_leaves_its_route_charges_and_end_and_no_words(
    stand: Stand, stack: AsyncExitStack
) -> None:
    session = await stand.open(STEPS)
    await run(session, stack)

    written = records(stand.home)
    assert [one["event"] for one in written] == ["route", "charge", "charge", "turn"]
    assert {one["session"] for one in written} == {session.id}
    route, first, _, turn = written
    assert (route["model"], route["tier"], route["reason"]) == ("test/cheap", "SIMPLE", "score")
    assert (first["provider"], first["purpose"], first["cost_source"]) == (
        "test",
        "step",
        "computed",
    )
    assert (turn["result"], turn["steps"]) == ("done", 2)
    text = (stand.home / "logs" / "events.jsonl").read_text()
    assert "xylophones" not in text
    assert "zithers" not in text


async def test_a_failed_turn_says_why_with_the_key_masked(
    stand: Stand, stack: AsyncExitStack
) -> None:
    error = AuthenticationError("the key sk-live-0123456789abcdef is wrong")
    await run(await stand.open([ScriptedStep(error=error)]), stack)

    written = records(stand.home)
    failure = next(one for one in written if one["event"] == "failure")
    assert failure["code"] == "auth"
    assert "0123456789" not in json.dumps(written)
    assert written[-1]["event"] == "turn"
    assert written[-1]["result"] == "auth"


async def test_the_log_can_be_switched_off(stand: Stand, stack: AsyncExitStack) -> None:
    def off(config: Config) -> Config:
        return replace(config, log=Logging(events=False))

    await run(await stand.open(STEPS, change=off), stack)

    assert not (stand.home / "logs" / "events.jsonl").exists()


async def test_a_clients_charge_is_told_and_logged_with_its_tag(tmp_path: Path) -> None:
    heard: list[object] = []
    provider = ScriptedProvider([ScriptedStep(text="not json")])
    async with Client(config=make_config(tmp_path), providers={"test": provider}) as client:
        client.on("charge", heard.append)
        with pytest.raises(MalformedReplyError):
            await client.complete(
                "auto",
                [{"role": "user", "content": ASK}],
                tag="nightly",
                response_format={"type": "object"},
            )

    written = records(tmp_path)
    assert [one["event"] for one in written] == ["route", "charge"]
    assert (written[1]["tag"], written[1]["purpose"]) == ("nightly", "client")
    assert len(heard) == 1
    assert getattr(heard[0], "cost") > 0  # noqa: B009 - listeners get an object


async def test_a_clients_failed_call_is_logged(tmp_path: Path) -> None:
    provider = ScriptedProvider([ScriptedStep(error=AuthenticationError("no"))])
    async with Client(config=make_config(tmp_path), providers={"test": provider}) as client:
        with pytest.raises(AuthenticationError):
            await client.complete("test/cheap", [{"role": "user", "content": ASK}])

    assert [(one["event"], one["code"]) for one in records(tmp_path) if "code" in one] == [
        ("failure", "auth")
    ]


def tracing(config: Config) -> Config:
    return replace(config, log=Logging(otel=True))


async def test_without_the_package_a_turn_goes_on_and_the_log_says_what_is_missing(
    stand: Stand,
    stack: AsyncExitStack,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)

    events = await run(await stand.open(STEPS, change=tracing), stack)

    assert type(events[-1]).__name__ == "TurnFinished"
    assert "ralex[otel]" in caplog.text
