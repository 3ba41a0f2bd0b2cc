"""The client library: one call, routed or direct, paid from the same ledger."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
from pydantic import BaseModel

import ralex
from ralex.core.budget import BookedCharge
from ralex.errors import (
    BudgetExceededError,
    MalformedReplyError,
    ServerError,
    UnknownModelError,
    UsageError,
)
from ralex.providers.scripted import ScriptedCall, ScriptedProvider, ScriptedStep
from tests.agent.stand import make_config

HI = [{"role": "user", "content": "hi"}]
FINE = ScriptedStep(text="fine", usage=ralex.Usage(input_tokens=1_000, output_tokens=100))


def client_of(
    tmp_path: Path, steps: Sequence[ScriptedStep]
) -> tuple[ralex.Client, ScriptedProvider]:
    provider = ScriptedProvider(steps)
    return ralex.Client(config=make_config(tmp_path), providers={"test": provider}), provider


async def test_a_named_model_answers_and_is_paid(tmp_path: Path) -> None:
    client, provider = client_of(tmp_path, [FINE])
    async with client:
        reply = await client.complete("test/cheap", HI, max_tokens=50)
    assert (reply.text, reply.model, reply.finish_reason) == ("fine", "test/cheap", "stop")
    assert reply.cost == Decimal("0.00012"), "50 of the 100 tokens fit the cap"
    assert reply.route is None
    assert provider.requests[0].max_output_tokens == 50


async def test_a_path_is_no_configuration() -> None:
    async with ralex.Client(config=cast("None", "ralex.toml")) as client:
        with pytest.raises(UsageError, match="config is a str"):
            await client.complete("test/cheap", HI)


@pytest.mark.parametrize(
    ("ask", "model"),
    [
        ("Hello, can you help me?", "test/cheap"),
        ("Refactor the pricing module and add tests for the totals", "test/smart"),
    ],
)
async def test_auto_routes(tmp_path: Path, ask: str, model: str) -> None:
    client, _ = client_of(tmp_path, [FINE])
    async with client:
        reply = await client.complete("auto", [{"role": "user", "content": ask}])
    assert reply.model == model
    assert reply.route is not None
    assert reply.route.reasons


async def test_a_stream_gives_parts_and_then_the_reply(tmp_path: Path) -> None:
    client, _ = client_of(tmp_path, [ScriptedStep(text="one two", reasoning="hm")])
    async with client, client.stream("test/cheap", HI) as stream:
        with pytest.raises(RuntimeError):
            _ = stream.reply
        parts = [part async for part in stream]
    assert "".join(p.text for p in parts if isinstance(p, ralex.TextDelta)) == "one two"
    assert any(isinstance(part, ralex.ReasoningDelta) for part in parts)
    assert any(isinstance(part, ralex.UsageReport) for part in parts)
    assert (stream.reply.text, stream.reply.reasoning) == ("one two", "hm")


async def test_leaving_a_stream_early_settles_it(tmp_path: Path) -> None:
    provider = ScriptedProvider([ScriptedStep(text="word " * 500)], tokens_per_s=200)
    client = ralex.Client(config=make_config(tmp_path), providers={"test": provider})
    async with client:
        async with client.stream("test/cheap", HI) as stream:
            async for part in stream:
                if isinstance(part, ralex.TextDelta):
                    break
        state = await (await client._opened()._engine.ledger()).state()
    assert state.held_usd == 0
    assert state.spent_usd > 0


def test_without_an_event_loop(tmp_path: Path) -> None:
    client, _ = client_of(tmp_path, [FINE])
    assert client.complete_sync("test/cheap", HI).text == "fine"


async def test_tools_come_back_as_calls(tmp_path: Path) -> None:
    call = ScriptedCall(name="add", arguments={"a": 1})
    client, provider = client_of(tmp_path, [ScriptedStep(calls=(call,))])
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
    async with client:
        reply = await client.complete("test/cheap", HI, tools=[tool])
    assert [one.name for one in reply.tool_calls] == ["add"]
    assert provider.requests[0].tools[0].schema_json == '{"type":"object"}'


class Sum(BaseModel):
    total: int


async def test_a_response_format_is_sent_and_read(tmp_path: Path) -> None:
    client, provider = client_of(tmp_path, [ScriptedStep(text='{"total": 3}')])
    async with client:
        reply = await client.complete("test/cheap", HI, response_format=Sum)
    assert reply.parsed == Sum(total=3)
    assert '"total"' in provider.requests[0].response_schema_json


async def test_an_answer_in_another_form_is_an_error(tmp_path: Path) -> None:
    client, _ = client_of(tmp_path, [ScriptedStep(text="three")])
    async with client:
        with pytest.raises(MalformedReplyError):
            await client.complete("test/cheap", HI, response_format=Sum)


async def test_listeners_belong_to_their_client(tmp_path: Path) -> None:
    heard: list[object] = []
    client, _ = client_of(tmp_path, [FINE, ScriptedStep(error=ServerError("no", status=500))] * 3)
    other, _ = client_of(tmp_path / "other", [FINE])
    client.on("success", heard.append)
    client.on("charge", heard.append)
    client.on("failure", heard.append)
    async with client, other:
        await other.complete("test/cheap", HI)
        assert heard == []
        reply = await client.complete("test/cheap", HI)
    booked, told = heard
    assert isinstance(booked, BookedCharge)
    assert told is reply
    assert (booked.cost, booked.usage, booked.model) == (reply.cost, reply.usage, reply.model)


async def test_charges_of_broken_attempts_are_told_and_add_up_to_the_reply(
    tmp_path: Path,
) -> None:
    nothing = ScriptedStep(usage=ralex.Usage(input_tokens=1_000))  # billed, and no answer
    down = ScriptedStep(error=ServerError("no", status=500))  # nothing to bill
    client, _ = client_of(tmp_path, [down, nothing, FINE])
    charges: list[BookedCharge] = []
    client.on("charge", lambda one: charges.append(cast("BookedCharge", one)))
    async with client:
        reply = await client.complete("test/cheap", HI)

    assert sum(one.cost for one in charges) == reply.cost
    assert [one.cost for one in charges] == [Decimal("0.0001"), Decimal("0.00014")]
    lines = (tmp_path / "logs" / "events.jsonl").read_text().splitlines()
    logged = [json.loads(line) for line in lines if '"charge"' in line]
    assert sum(Decimal(one["cost_usd"]) for one in logged) == reply.cost


async def test_a_registered_model_can_be_called_and_is_priced(tmp_path: Path) -> None:
    client, _ = client_of(tmp_path, [FINE])
    client.register_model("test/new", input=1, output=2, context_window=8_000)
    async with client:
        reply = await client.complete("test/new", HI)
    assert reply.cost == Decimal("0.0012")


async def test_an_image_reaches_the_provider(tmp_path: Path) -> None:
    client, provider = client_of(tmp_path, [FINE])
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}
    async with client:
        await client.complete("test/cheap", [{"role": "user", "content": [picture]}])
    assert provider.requests[0].messages[0].images[0].data_base64 == "QUJD"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([], "no messages"),
        ([{"role": "wizard", "content": "x"}], "wizard"),
        ([{"role": "user", "content": 7}], "neither"),
        ([{"role": "user", "content": [{"type": "video"}]}], "video"),
    ],
    ids=["none", "role", "content", "part"],
)
async def test_unusable_messages_are_named(
    tmp_path: Path, messages: list[dict[str, object]], says: str
) -> None:
    client, provider = client_of(tmp_path, [FINE])
    async with client:
        with pytest.raises(UsageError, match=says):
            await client.complete("test/cheap", messages)
    assert provider.requests == []


async def test_an_unknown_model_is_refused(tmp_path: Path) -> None:
    client, _ = client_of(tmp_path, [FINE])
    async with client:
        with pytest.raises(UnknownModelError):
            await client.complete("nobody/nothing", HI)


async def test_the_budget_holds_for_the_library_too(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    limits = type(config.budget)(daily_usd=Decimal("0.00001"), alert_usd=None)
    from dataclasses import replace  # noqa: PLC0415

    provider = ScriptedProvider([FINE])
    client = ralex.Client(config=replace(config, budget=limits), providers={"test": provider})
    async with client:
        with pytest.raises(BudgetExceededError):
            await client.complete("test/cheap", HI)
    assert provider.requests == []


def test_the_functions_without_a_client() -> None:
    assert ralex.classify("Hello, can you help me?").tier == "SIMPLE"
    assert ralex.supports("openai/gpt-5.4-mini", "tools") is True
    assert ralex.supports("nobody/nothing", "tools") is None
    assert 1 <= ralex.count_tokens("hello world", "openai/gpt-5.4-mini") <= 4
    assert ralex.cost("openai/gpt-5.4-mini", ralex.Usage(output_tokens=1_000_000)) == Decimal("4.5")
    with pytest.raises(UsageError):
        ralex.supports("openai/gpt-5.4-mini", "flying")
    with pytest.raises(AttributeError):
        _ = ralex.nothing_like_this  # type: ignore[attr-defined]
