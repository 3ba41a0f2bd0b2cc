"""A conversation that outgrows its window is shortened, and the work goes on."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from ralex.config.model import Config
from ralex.core.budget import Limits
from ralex.core.events import (
    ContextCompacted,
    ContextMasked,
    Notice,
    StepFinished,
    ToolCallFinished,
    TurnFailed,
    TurnFinished,
)
from ralex.core.messages import AssistantMessage, Message, ToolResultMessage, UserMessage
from ralex.core.routing import Router
from ralex.core.tiers import Tier
from ralex.errors import ContextOverflowError, ServerError, UsageError
from ralex.providers.scripted import ScriptedCall, ScriptedStep
from tests.agent.script import DONE, HELLO, breaks, of, read, shell, step, user_texts
from tests.agent.stand import Stand, impatient, model, play

SUMMARY = ScriptedStep(text="## Goal\nmend the parser\n## Next step\nread lexer.py")
OVERFLOW = ScriptedStep(error=ContextOverflowError("this model takes 32768 tokens", status=400))


def one_model(window: int) -> Callable[[Config], Config]:
    """Give a router of one model, so that nothing larger can take over."""

    def change(config: Config) -> Config:
        only = model("cheap", "0.1", window)
        router = Router(name="test", tiers={Tier.SIMPLE: (only.id,)})
        return replace(config, models={only.id: only}, routers={"test": router})

    return change


def big(number: int, characters: int = 24_000) -> ScriptedCall:
    return shell(
        f"printf 'run {number} '; head -c {characters} /dev/zero | tr '\\0' x | fold -w 70"
    )


def wordy(steps: int, words: int) -> list[ScriptedStep]:
    return [step(shell(f"echo {n}"), text="word " * words) for n in range(steps)]


def placeholders(messages: tuple[Message, ...]) -> int:
    return sum(isinstance(m, ToolResultMessage) and "left out" in m.text for m in messages)


def answered(messages: tuple[Message, ...]) -> bool:
    """Tell whether every call has its one result right behind its reply."""
    for place, message in enumerate(messages):
        if isinstance(message, AssistantMessage) and message.tool_calls:
            wanted = [call.id for call in message.tool_calls]
            following = messages[place + 1 : place + 1 + len(wanted)]
            if [m.call_id for m in following if isinstance(m, ToolResultMessage)] != wanted:
                return False
    return True


async def test_old_tool_output_is_left_out_in_one_batch_and_the_newest_stays(stand: Stand) -> None:
    steps = [step(big(n)) for n in range(12)]
    session = await stand.open([*steps, DONE], change=one_model(64_000))
    events = await play(session, HELLO)
    assert isinstance(events[-1], TurnFinished)
    masks = of(events, ContextMasked)
    assert masks
    assert not of(events, ContextCompacted)
    requests = stand.provider.requests
    assert breaks(requests) == len(masks), "the prefix breaks once for each batch, never more"
    last = requests[-1].messages
    assert placeholders(last) >= 3
    newest = [m for m in last if isinstance(m, ToolResultMessage)][-1]
    assert "run 11" in newest.text
    assert user_texts(last)[0].endswith(HELLO)


async def test_a_short_session_is_never_rewritten(stand: Stand) -> None:
    session = await stand.open([*(step(big(n, 900)) for n in range(10)), DONE])
    await play(session, HELLO)
    assert breaks(stand.provider.requests) == 0


async def test_a_conversation_of_words_is_summarised(stand: Stand) -> None:
    talk = wordy(10, 1_400)
    session = await stand.open([*talk, SUMMARY, *([DONE] * 3)], change=one_model(24_000))
    events = await play(session, "Mend the parser, keep the public names")
    compacted = of(events, ContextCompacted)
    assert len(compacted) == 1
    assert compacted[0].tokens_after < compacted[0].tokens_before / 2
    at = next(i for i, r in enumerate(stand.provider.requests) if "summary" in _last(r.messages))
    asking, following = stand.provider.requests[at], stand.provider.requests[at + 1]
    before = stand.provider.requests[at - 1]
    assert asking.messages[: len(before.messages)] == before.messages, "the cache serves it"
    assert asking.tools == before.tools
    first = user_texts(following.messages)[0]
    assert "mend the parser" in first
    assert "<environment>" in first
    assert first.endswith("Mend the parser, keep the public names")
    assert answered(following.messages)


async def test_the_summary_is_a_call_of_its_own_on_the_turns_bill(stand: Stand) -> None:
    talk = wordy(10, 1_400)
    session = await stand.open([*talk, SUMMARY, *([DONE] * 3)], change=one_model(24_000))
    events = await play(session, HELLO)
    end = events[-1]
    assert isinstance(end, TurnFinished)
    summary = of(events, ContextCompacted)[0]
    assert summary.cost_usd > 0
    assert end.cost_usd == summary.cost_usd + sum(e.cost_usd for e in of(events, StepFinished))
    assert end.budget.spent_usd == end.cost_usd


async def test_a_much_cheaper_tier_writes_the_summary(stand: Stand) -> None:
    def small_windows(config: Config) -> Config:
        models = [model("cheap", "0.1"), model("smart", "3", 24_000)]
        return replace(config, models={one.id: one for one in models}, model=models[1].id)

    talk = wordy(10, 1_400)
    session = await stand.open([*talk, SUMMARY, *([DONE] * 3)], change=small_windows)
    events = await play(session, HELLO)
    assert of(events, ContextCompacted)[0].model == "test/cheap"
    assert {e.model for e in of(events, StepFinished)} == {"test/smart"}


async def test_an_overflow_in_the_middle_of_a_turn_is_survived(stand: Stand) -> None:
    steps = [step(big(1)), step(big(2)), step(big(3)), OVERFLOW, DONE]
    session = await stand.open(steps, change=one_model(128_000))
    events = await play(session, HELLO)
    assert isinstance(events[-1], TurnFinished)
    requests = stand.provider.requests
    assert placeholders(requests[-1].messages) >= 1
    assert _size(requests[-1].messages) < _size(requests[-2].messages)


async def test_an_overflow_without_tool_output_is_summarised_from_short_text(stand: Stand) -> None:
    talk = wordy(8, 3_000)
    session = await stand.open([*talk, OVERFLOW, SUMMARY, DONE], change=one_model(200_000))
    events = await play(session, "Mend the parser")
    assert isinstance(events[-1], TurnFinished)
    assert of(events, ContextCompacted)
    asking = stand.provider.requests[-2]
    assert not asking.tools, "the conversation that was too long is not sent once more"


async def test_a_prompt_that_fits_nowhere_is_refused_and_costs_nothing(stand: Stand) -> None:
    session = await stand.open([DONE], change=one_model(8_000))
    end = (await play(session, "words " * 20_000))[-1]
    assert isinstance(end, TurnFailed)
    assert (end.code, end.cost_usd) == ("context_overflow", 0)
    assert not stand.provider.requests


async def test_a_prompt_that_fits_only_without_the_past_is_answered(stand: Stand) -> None:
    session = await stand.open([*wordy(4, 2_000), DONE, SUMMARY, DONE], change=one_model(24_000))
    await play(session, HELLO)
    events = await play(session, "words " * 8_000)
    assert isinstance(events[-1], TurnFinished)
    assert of(events, ContextCompacted)


async def test_a_summary_that_cannot_be_paid_leaves_the_turn_to_its_own_fate(stand: Stand) -> None:
    def poor(config: Config) -> Config:
        return replace(one_model(24_000)(config), budget=Limits(daily_usd=Decimal("0.0175")))

    session = await stand.open([*wordy(10, 1_400), SUMMARY, DONE], change=poor)
    events = await play(session, HELLO)
    assert isinstance(events[-1], TurnFailed)
    assert events[-1].code == "budget_exceeded"


async def test_a_provider_that_always_overflows_ends_the_turn(stand: Stand) -> None:
    session = await stand.open([step(big(1)), *[OVERFLOW] * 9], change=one_model(128_000))
    end = (await play(session, HELLO))[-1]
    assert isinstance(end, TurnFailed)
    assert end.code == "context_overflow"


async def test_a_summary_that_cannot_be_had_does_not_end_the_work(stand: Stand) -> None:
    talk = wordy(8, 3_000)
    broken = ScriptedStep(error=ServerError("down", status=500))

    def hasty(config: Config) -> Config:
        return impatient(one_model(200_000)(config))

    session = await stand.open([*talk, OVERFLOW, broken, DONE], change=hasty)
    events = await play(session, "Mend the parser")
    assert isinstance(events[-1], TurnFinished)
    assert of(events, ContextCompacted)[0].model is None


async def test_a_second_summary_is_asked_to_update_the_first(stand: Stand) -> None:
    session = await stand.open([DONE, SUMMARY, DONE, ScriptedStep(text="newer"), DONE])
    await play(session, "first wish")
    assert await session.compact() is not None
    await play(session, "second wish")
    event = await session.compact(focus="the tests")
    assert event is not None
    assert event.summary == "newer"
    asking = stand.provider.requests[3].messages
    assert "mend the parser" in asking[1].text if isinstance(asking[1], UserMessage) else False
    assert "the tests" in _last(asking)
    assert "update it" in _last(asking)
    await play(session, "third wish")
    text = "\n".join(user_texts(stand.provider.requests[-1].messages))
    assert "newer" in text
    assert "mend the parser" not in text
    for wish in ("first wish", "second wish", "third wish"):
        assert wish in text, "what the user said stays, word for word"


async def test_the_plan_outlives_a_summary_word_for_word(stand: Stand) -> None:
    todo = ScriptedCall(
        name="todo", arguments={"items": [{"text": "write the lexer", "status": "in_progress"}]}
    )
    session = await stand.open([step(todo), DONE, SUMMARY])
    await play(session, HELLO)
    event = await session.compact()
    assert event is not None
    assert "[>] write the lexer" in event.text


@pytest.mark.parametrize("around", ["{}", "x = 1\n{}\ny = 2\n"])
async def test_a_note_that_stands_for_a_long_text_is_never_written(
    stand: Stand, around: str
) -> None:
    (stand.project / "a.py").write_text("x = 1\n")
    note = "[6,300 characters were sent here and are left out of this record]"
    imitated = {"path": "a.py", "content": around.format(note)}
    script = [step(read("a.py")), step(ScriptedCall(name="write", arguments=imitated)), DONE]
    session = await stand.open(script)
    call = of(await play(session, HELLO), ToolCallFinished)[-1]
    assert call.refusal == "malformed"
    assert "Write the text out" in call.output
    assert (stand.project / "a.py").read_text() == "x = 1\n"


async def test_what_was_left_out_may_be_read_again(stand: Stand) -> None:
    names = [f"{number}.txt" for number in range(20)]
    for name in names:
        (stand.project / name).write_text("".join(f"{name} {n:060d}\n" for n in range(400)))
    first, others = names[0], names[1:]
    order = [first, *others[:9], first, *others[9:18], first]
    script = [*(step(read(name)) for name in order), DONE]
    session = await stand.open(script, change=one_model(64_000), max_steps=40)
    events = await play(session, HELLO)
    assert len(of(events, ContextMasked)) >= 2
    assert not [call.output for call in of(events, ToolCallFinished) if call.refusal]


async def test_a_loop_is_ended_although_its_results_are_left_out(stand: Stand) -> None:
    (stand.project / "a.txt").write_text("".join(f"{n:070d}\n" for n in range(600)))
    session = await stand.open([step(read("a.txt"))] * 60, change=one_model(32_000), max_steps=60)
    end = (await play(session, HELLO))[-1]
    assert isinstance(end, TurnFailed)
    assert end.code == "loop"
    assert end.steps <= 15


async def test_a_resumed_session_has_the_same_bytes_after_masking_and_a_summary(
    stand: Stand,
) -> None:
    steps = [step(big(n)) for n in range(12)]
    first = await stand.open([*steps, DONE, SUMMARY], change=one_model(64_000))
    events = await play(first, HELLO)
    assert of(events, ContextMasked)
    masked = first._around.history.messages
    assert await first.compact()
    compacted = first._around.history.messages
    assert masked != compacted
    second = await stand.open([DONE], continues=True, change=one_model(64_000))
    assert second._around.history.messages == compacted
    await play(second, "go on")
    assert stand.provider.requests[-1].messages[: len(compacted)] == compacted


async def test_compaction_that_gains_nothing_stops_and_says_so(stand: Stand) -> None:
    huge = ScriptedStep(text="I say " + "word " * 40_000)
    session = await stand.open(
        [step(shell("true"), text="word " * 9_000), huge, step(shell("true")), DONE, DONE],
        change=one_model(16_000),
    )
    events = await play(session, "A long wish: " + "please " * 10_500)
    warnings = [e.text for e in of(events, Notice) if e.level == "warning"]
    assert len(of(events, ContextCompacted)) <= 1
    assert any("not summarised again" in text for text in warnings) or isinstance(
        events[-1], TurnFailed
    )


async def test_the_report_says_what_fills_the_window(stand: Stand) -> None:
    (stand.project / "AGENTS.md").write_text("Use tabs.\n" * 100)
    (stand.project / "a.txt").write_text("alpha\n" * 300)
    session = await stand.open([step(read("a.txt")), DONE])
    await play(session, HELLO)
    report = session.context_report()
    shares = {share.kind: share.tokens for share in report.shares}
    assert report.window == 128_000
    assert report.total_tokens == sum(shares.values())
    assert shares["tool results"] > shares["assistant"] > 0
    assert shares["instructions"] > shares["user"] > 0
    assert shares["system"] > 0
    assert shares["tools"] > 0
    assert shares["summary"] == 0


async def test_nothing_is_summarised_while_a_turn_runs(stand: Stand) -> None:
    session = await stand.open([step(shell("true")), DONE])
    async with session.turn(HELLO) as events:
        async for event in events:
            if isinstance(event, ToolCallFinished):
                with pytest.raises(UsageError):
                    await session.compact()


async def test_an_empty_session_has_nothing_to_summarise(stand: Stand) -> None:
    session = await stand.open([])
    assert await session.compact() is None
    assert session.totals.context_tokens > 0


def _last(messages: tuple[Message, ...]) -> str:
    last = messages[-1]
    return last.text if isinstance(last, UserMessage) else ""


def _size(messages: tuple[Message, ...]) -> int:
    return sum(len(m.text) for m in messages)
