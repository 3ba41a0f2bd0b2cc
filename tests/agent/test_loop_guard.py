"""A model that repeats itself is told so, then stopped; honest repetition is left alone."""

from dataclasses import replace

import pytest

from ralex.agent.loop_guard import LoopGuard, Verdict
from ralex.config.model import Config
from ralex.core.events import TurnFailed, TurnFinished
from ralex.core.stream import FinishReason
from ralex.providers.scripted import ScriptedCall, ScriptedStep
from tests.agent.script import DONE, HELLO, finished_calls, shell, step
from tests.agent.stand import Stand
from tests.agent.stand import play as play_turn

READ = {"path": "a.py"}


def play(guard: LoopGuard, times: int, *, result: str = "same") -> list[Verdict]:
    verdicts: list[Verdict] = []
    for _ in range(times):
        guard.begin_batch()
        verdict = guard.judge("read", READ)
        verdicts.append(verdict)
        if verdict is Verdict.RUN:
            guard.note("read", READ, result, has_changed=False)
    return verdicts


def test_the_third_identical_call_is_nudged_and_the_fifth_stops() -> None:
    assert play(LoopGuard(), 5) == ["run", "run", "nudge", "nudge", "stop"]


def test_other_calls_in_between_do_not_hide_a_loop() -> None:
    guard = LoopGuard()
    play(guard, 2)
    guard.judge("read", {"path": "b.py"})
    guard.note("read", {"path": "b.py"}, "other", has_changed=False)
    assert play(guard, 1) == ["nudge"]


def test_a_change_in_between_makes_the_same_call_worth_repeating() -> None:
    guard = LoopGuard()
    for _ in range(6):
        assert play(guard, 1) == ["run"]
        guard.judge("edit", {"path": "a.py"})
        guard.note("edit", {"path": "a.py"}, "edited", has_changed=True)


def test_a_call_whose_result_changes_is_no_loop() -> None:
    guard = LoopGuard()
    for turn in range(6):
        assert play(guard, 1, result=f"line {turn}") == ["run"]


def test_a_call_that_cannot_be_run_counts_by_its_very_text() -> None:
    guard = LoopGuard()
    broken = '{"path": "a'
    verdicts: list[Verdict] = []
    for _ in range(5):
        guard.begin_batch()
        verdicts.append(guard.judge_broken("read", broken))
    assert verdicts == ["run", "run", "nudge", "nudge", "stop"]
    assert guard.judge_broken("read", '{"path": "ab') is Verdict.RUN
    assert guard.judge("read", {"path": "a"}) is Verdict.RUN


@pytest.mark.parametrize(
    "reply",
    [
        step(ScriptedCall(name="edit", arguments='{"path": "a", "old": "A')),
        step(ScriptedCall(name="frobnicate", arguments={"path": "a"})),
        step(ScriptedCall(name="more", arguments={"tool": "nothing", "input": "x"})),
        replace(step(shell("echo long")), finish_reason=FinishReason.LENGTH),
    ],
    ids=["malformed", "unknown tool", "unknown tool behind more", "truncated"],
)
async def test_broken_calls_sent_again_and_again_end_the_turn(
    stand: Stand, reply: ScriptedStep
) -> None:
    session = await stand.open([reply] * 12, change=unescalated)
    events = await play_turn(session, HELLO)
    end = events[-1]
    assert isinstance(end, TurnFailed)
    assert (end.code, end.exit_code, end.steps) == ("loop", 5, 5)
    told = [call.output for call in finished_calls(events)]
    assert len(told) == 5
    assert ["sending it again" in text for text in told] == [False, False, True, True, True]


def unescalated(config: Config) -> Config:
    return replace(config, escalation="off")


def test_the_order_of_arguments_does_not_matter() -> None:
    guard = LoopGuard()
    guard.judge("grep", {"pattern": "x", "path": "."})
    guard.judge("grep", {"path": ".", "pattern": "x"})
    assert guard.judge("grep", {"pattern": "x", "path": "."}) is Verdict.NUDGE


def alternate(guard: LoopGuard, rounds: int, results: list[list[str]]) -> list[list[Verdict]]:
    """Let commands take turns; each says the same in every round unless told otherwise."""
    verdicts: list[list[Verdict]] = []
    for turn in range(rounds):
        verdicts.append([])
        guard.begin_batch()
        for name, said in zip("ab", results[turn % len(results)], strict=True):
            verdict = guard.judge("bash", {"command": name})
            verdicts[-1].append(verdict)
            if verdict is Verdict.RUN:
                guard.note(
                    "bash", {"command": name}, said, has_changed=False, may_have_changed=True
                )
    return verdicts


def test_two_commands_that_take_turns_and_say_the_same_are_a_loop() -> None:
    said = [["one [0.1 s]", "two 10:31:07"], ["one [1.42 s]", "two 10:44:59"]]
    verdicts = alternate(LoopGuard(), 5, said)
    assert verdicts[-1][1] is Verdict.STOP
    assert all(verdict is Verdict.RUN for turn in verdicts[:2] for verdict in turn)
    assert any(Verdict.NUDGE in turn for turn in verdicts)


def test_two_commands_of_which_one_says_something_new_are_no_loop() -> None:
    news = [[f"{count} of 9 passed", "same"] for count in range(9)]
    assert all(set(turn) == {Verdict.RUN} for turn in alternate(LoopGuard(), 9, news))


def test_a_command_that_changes_a_file_each_time_is_no_loop() -> None:
    guard = LoopGuard()
    for _ in range(9):
        guard.note("bash", {"command": "a"}, "same", has_changed=True, may_have_changed=True)
        assert guard.judge("read", READ) is Verdict.RUN
        guard.note("read", READ, "same", has_changed=False)


def test_asking_after_a_background_command_is_no_loop() -> None:
    guard = LoopGuard()
    assert {guard.judge("job", {"id": 1}) for _ in range(9)} == {Verdict.RUN}


def test_long_results_are_told_apart_in_the_middle() -> None:
    guard = LoopGuard()
    for turn in range(6):
        assert play(guard, 1, result="x" * 9_000 + str(turn) + "x" * 9_000) == ["run"]


def test_a_model_is_stopped_only_after_it_could_read_the_nudge() -> None:
    guard = LoopGuard()
    guard.begin_batch()
    assert [guard.judge("read", READ) for _ in range(6)] == ["run"] * 2 + ["nudge"] * 4
    guard.begin_batch()
    assert guard.judge("read", READ) is Verdict.STOP


async def test_the_same_call_many_times_in_one_reply_does_not_end_the_turn(stand: Stand) -> None:
    (stand.project / "a.py").write_text("x\n")
    calls = [ScriptedCall(name="read", arguments=READ) for _ in range(7)]
    session = await stand.open([step(*calls), DONE])
    events = await play_turn(session, HELLO)
    assert isinstance(events[-1], TurnFinished)
    refusals = sorted(call.refusal for call in finished_calls(events))
    assert refusals == ["", ""] + ["repeated"] * 5
