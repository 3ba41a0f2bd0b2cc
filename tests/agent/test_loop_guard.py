"""A model that repeats itself is told so, then stopped; honest repetition is left alone."""

from ralex.agent.loop_guard import LoopGuard, Verdict

READ = {"path": "a.py"}


def play(guard: LoopGuard, times: int, *, result: str = "same") -> list[Verdict]:
    verdicts: list[Verdict] = []
    for _ in range(times):
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


def test_the_order_of_arguments_does_not_matter() -> None:
    guard = LoopGuard()
    guard.judge("grep", {"pattern": "x", "path": "."})
    guard.judge("grep", {"path": ".", "pattern": "x"})
    assert guard.judge("grep", {"pattern": "x", "path": "."}) is Verdict.NUDGE
