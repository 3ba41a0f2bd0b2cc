"""The optional cache of answers, as a caller of the library meets it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel

import ralex
from ralex.config.model import Caching, Config
from ralex.core.ids import ModelId
from ralex.core.stream import FinishReason
from ralex.errors import MalformedReplyError, OverloadedError
from ralex.providers.scripted import ScriptedCall, ScriptedProvider, ScriptedStep
from tests.agent.script import DONE
from tests.agent.stand import impatient, make_config

HI = [{"role": "user", "content": "hi"}]
FINE = ScriptedStep(text="fine", usage=ralex.Usage(input_tokens=1_000, output_tokens=100))
TOOL = {
    "type": "function",
    "function": {"name": "look", "description": "", "parameters": {"type": "object"}},
}


def keeping(config: Config) -> Config:
    return replace(config, cache=Caching(enabled=True))


def client_of(
    home: Path, steps: Sequence[ScriptedStep], *, is_on: bool = True
) -> tuple[ralex.Client, ScriptedProvider]:
    provider = ScriptedProvider(steps)
    config = make_config(home)
    return (
        ralex.Client(config=keeping(config) if is_on else config, providers={"test": provider}),
        provider,
    )


def stored_under(home: Path) -> bytes:
    return b"".join(one.read_bytes() for one in home.glob("cache.db*"))


async def test_the_same_question_is_paid_once(tmp_path: Path) -> None:
    client, provider = client_of(tmp_path, [FINE])
    async with client:
        first = await client.complete("test/cheap", HI)
        second = await client.complete("test/cheap", HI)
        state = await (await client._opened()._engine.ledger()).state()
    assert (second.text, second.cost, second.is_cached) == ("fine", Decimal(0), True)
    assert (first.is_cached, second.usage) == (False, first.usage)
    assert len(provider.requests) == 1
    assert state.spent_usd == first.cost
    assert state.held_usd == 0


async def test_another_process_finds_the_answer(tmp_path: Path) -> None:
    client, _ = client_of(tmp_path, [FINE])
    async with client:
        await client.complete("test/cheap", HI)
    client, provider = client_of(tmp_path, [])
    async with client:
        assert (await client.complete("test/cheap", HI)).is_cached
    assert not provider.requests


async def test_a_hit_is_a_charge_of_nought_with_its_mark(tmp_path: Path) -> None:
    client, _ = client_of(tmp_path, [FINE])
    async with client:
        await client.complete("test/cheap", HI, tag="t")
        await client.complete("test/cheap", HI, tag="t")
        ledger = await client._opened()._engine.ledger()
        (row,) = await ledger.spend("tag")
    assert (row.key, row.calls, row.cached_calls) == ("t", 2, 1)
    assert row.usage.input_tokens == 1_000, "a hit takes no tokens"
    log = (tmp_path / "logs" / "events.jsonl").read_text(encoding="utf-8")
    charges = [one for line in log.splitlines() if (one := json.loads(line))["event"] == "charge"]
    assert [one["cost_source"] for one in charges] == ["computed", "cached"]
    assert Decimal(charges[1]["cost_usd"]) == 0


async def test_it_is_off_unless_it_is_asked_for(tmp_path: Path) -> None:
    client, provider = client_of(tmp_path, [FINE] * 3, is_on=False)
    async with client:
        await client.complete("test/cheap", HI)
        await client.complete("test/cheap", HI)
        assert not (tmp_path / "cache.db").exists()
        await client.complete("test/cheap", HI, cache=True)
        assert (await client.complete("test/cheap", HI, cache=True)).is_cached
    assert len(provider.requests) == 3


@pytest.mark.parametrize(
    ("cache", "temperature", "share"),
    [(False, None, True), (None, 0.7, True), (None, None, False)],
    ids=["no cache", "sampling", "an answer of its own"],
)
async def test_a_call_that_wants_its_own_answer_gets_one(
    tmp_path: Path, *, cache: bool | None, temperature: float | None, share: bool
) -> None:
    client, provider = client_of(tmp_path, [FINE] * 2)
    async with client:
        for _ in range(2):
            reply = await client.complete(
                "test/cheap", HI, cache=cache, temperature=temperature, share=share
            )
            assert not reply.is_cached
    assert len(provider.requests) == 2


async def test_what_differs_in_anything_is_another_question(tmp_path: Path) -> None:
    form = ScriptedStep(text="{}")
    client, provider = client_of(tmp_path, [*[FINE] * 6, form])
    async with client:
        await client.complete("test/cheap", HI)
        await client.complete("test/smart", HI)
        await client.complete("test/cheap", [{"role": "user", "content": "hi "}])
        await client.complete("test/cheap", [{"role": "system", "content": "hi"}, *HI])
        await client.complete("test/cheap", HI, max_tokens=50)
        await client.complete("test/cheap", HI, tools=[TOOL])
        await client.complete("test/cheap", HI, response_format={"type": "object"})
    assert len(provider.requests) == 7


async def test_calls_and_reasoning_come_back_as_they_were(tmp_path: Path) -> None:
    step = ScriptedStep(
        text="look", reasoning="hm", calls=(ScriptedCall(name="look", arguments={"a": 1}),)
    )
    client, _ = client_of(tmp_path, [step])
    async with client:
        first = await client.complete("test/cheap", HI, tools=[TOOL])
        async with client.stream("test/cheap", HI, tools=[TOOL]) as stream:
            parts = [part async for part in stream]
    again = stream.reply
    assert again.is_cached
    assert (again.text, again.reasoning, again.tool_calls) == ("look", "hm", first.tool_calls)
    assert again.finish_reason is FinishReason.TOOL_CALLS
    assert {type(part) for part in parts} >= {ralex.TextDelta, ralex.ReasoningDelta}


@pytest.mark.parametrize(
    "step",
    [
        ScriptedStep(text="half", finish_reason=FinishReason.LENGTH),
        ScriptedStep(text="", finish_reason=FinishReason.CONTENT_FILTER),
    ],
    ids=["cut at its cap", "filtered"],
)
async def test_an_answer_that_is_not_whole_is_not_kept(tmp_path: Path, step: ScriptedStep) -> None:
    client, provider = client_of(tmp_path, [step, FINE])
    async with client:
        await client.complete("test/cheap", HI)
        assert (await client.complete("test/cheap", HI)).text == "fine"
    assert len(provider.requests) == 2


async def test_a_fallbacks_answer_is_not_kept_for_the_model_that_failed(tmp_path: Path) -> None:
    down = ScriptedStep(error=OverloadedError("503", status=503))
    provider = ScriptedProvider([down, FINE, DONE])
    config = keeping(impatient(make_config(tmp_path)))
    chains = replace(config.fallbacks, general={ModelId("test/cheap"): (ModelId("test/smart"),)})
    config = replace(config, fallbacks=chains, retries=replace(config.retries, cooldown_s=0.001))
    async with ralex.Client(config=config, providers={"test": provider}) as client:
        assert (await client.complete("test/cheap", HI)).model == "test/smart"
        assert not (await client.complete("test/cheap", HI)).is_cached


async def test_any_deployment_of_a_model_answers_for_all(tmp_path: Path) -> None:
    provider = ScriptedProvider([FINE])
    config = keeping(make_config(tmp_path))
    twin = replace(config.models[ModelId("test/cheap")], id=ModelId("test/twin"), name="twin")
    config = replace(
        config,
        models={**config.models, twin.id: twin},
        deployments={"little": (ModelId("test/cheap"), twin.id)},
    )
    async with ralex.Client(config=config, providers={"test": provider}) as client:
        await client.complete("test/cheap", HI)
        for _ in range(5):
            assert (await client.complete("test/cheap", HI)).is_cached
    assert len(provider.requests) == 1


async def test_identical_calls_at_once_are_one_call_and_one_entry(tmp_path: Path) -> None:
    client, provider = client_of(tmp_path, [FINE])
    async with client:
        replies = await asyncio.gather(*[client.complete("test/cheap", HI) for _ in range(10)])
        assert (await client.complete("test/cheap", HI)).is_cached
    assert len(provider.requests) == 1
    assert sum(reply.cost for reply in replies) == max(reply.cost for reply in replies)


async def test_a_damaged_cache_never_breaks_a_call(tmp_path: Path) -> None:
    client, provider = client_of(tmp_path, [FINE] * 2)
    async with client:
        await client.complete("test/cheap", HI)
    (tmp_path / "cache.db").write_bytes(b"no database " * 1_000)
    async with client_of(tmp_path, [FINE])[0] as again:
        assert (await again.complete("test/cheap", HI)).text == "fine"
        assert (await again.complete("test/cheap", HI)).is_cached
    assert len(provider.requests) == 1


async def test_the_question_is_not_stored(tmp_path: Path) -> None:
    client, _ = client_of(tmp_path, [FINE])
    async with client:
        await client.complete("test/cheap", [{"role": "user", "content": "my-dearest-secret"}])
    assert b"my-dearest-secret" not in stored_under(tmp_path)


async def test_an_answer_that_does_not_follow_the_form_is_asked_for_again(tmp_path: Path) -> None:
    class Answer(BaseModel):
        number: int

    bad, good = ScriptedStep(text='{"word": "one"}'), ScriptedStep(text='{"number": 1}')
    client, provider = client_of(tmp_path, [bad, good])
    async with client:
        with pytest.raises(MalformedReplyError):
            await client.complete("test/cheap", HI, response_format=Answer)
        for _ in range(2):
            reply = await client.complete("test/cheap", HI, response_format=Answer)
            assert reply.parsed == Answer(number=1)
    assert len(provider.requests) == 2
