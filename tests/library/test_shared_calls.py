"""Identical questions of one client at the same time are asked and paid once."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

import ralex
from ralex.config.model import Retries
from ralex.errors import MalformedReplyError
from ralex.providers.scripted import ScriptedProvider, ScriptedStep
from tests.agent.stand import make_config

HI = [{"role": "user", "content": "hi"}]
FINE = ScriptedStep(text="fine", usage=ralex.Usage(input_tokens=1_000, output_tokens=100))


async def test_ten_identical_questions_are_one_call_and_one_charge(tmp_path: Path) -> None:
    provider = ScriptedProvider([FINE])
    charges: list[object] = []
    async with ralex.Client(config=make_config(tmp_path), providers={"test": provider}) as client:
        client.on("charge", charges.append)
        replies = await asyncio.gather(*(client.complete("test/cheap", HI) for _ in range(10)))
    assert len(provider.requests) == 1
    assert len(charges) == 1
    assert {reply.text for reply in replies} == {"fine"}
    assert sorted(reply.cost for reply in replies)[:9] == [Decimal(0)] * 9
    assert [reply.is_shared for reply in replies].count(True) == 9
    assert all(reply.is_shared is (reply.cost == 0) for reply in replies)


async def test_several_answers_to_one_question_can_be_asked_for(tmp_path: Path) -> None:
    provider = ScriptedProvider([FINE] * 3)
    async with ralex.Client(config=make_config(tmp_path), providers={"test": provider}) as client:
        replies = await asyncio.gather(
            *(client.complete("test/cheap", HI, share=False) for _ in range(3))
        )
    assert len(provider.requests) == 3
    assert all(reply.cost > 0 and not reply.is_shared for reply in replies)


async def test_an_empty_answer_is_an_error_and_never_a_success(tmp_path: Path) -> None:
    provider = ScriptedProvider([ScriptedStep(text="")])
    config = replace(make_config(tmp_path), retries=Retries(count=0))
    async with ralex.Client(config=config, providers={"test": provider}) as client:
        with pytest.raises(MalformedReplyError):
            await client.complete("test/cheap", HI)
