"""The demo is real around its scripted model, shows every step's numbers, and leaves no trace."""

import io
import re
from decimal import Decimal
from pathlib import Path

from ralex.core.events import AgentEvent, RouteDecided, TurnFinished
from ralex.core.tiers import Tier
from ralex.demo.stage import set_stage
from ralex.demo.story import LABEL, load_story
from ralex.headless.demo import run_demo_headless
from ralex.run_options import RunOptions
from ralex.wiring import Engine


def test_every_step_shows_tier_model_tokens_and_cost(own_surroundings: Path) -> None:
    stdout, stderr = io.StringIO(), io.StringIO()
    assert run_demo_headless(stdout, stderr) == 0, stderr.getvalue()
    text = stdout.getvalue()
    assert text.startswith(LABEL)
    steps = re.findall(
        r"\[(SIMPLE|COMPLEX) demo/(cheap|smart) · step (\d+) · [\d,]+ in \([\d,]+ cached\) / "
        r"[\d,]+ out · \$(0\.\d+) · today \$(0\.\d+)\]",
        text,
    )
    assert [(tier, model) for tier, model, *_ in steps] == [("SIMPLE", "cheap")] * 2 + [
        ("COMPLEX", "smart")
    ] * 6
    assert sum(Decimal(cost) for *_, cost, _ in steps) > 0
    spent = [Decimal(today) for *_, today in steps]
    assert spent == sorted(spent)
    assert not (own_surroundings / "ralex").exists(), "real spend and sessions are untouched"


async def test_the_script_is_held_to_what_the_tools_really_did() -> None:
    with set_stage() as stage:
        async with Engine(stage.config, providers={"demo": stage.provider}) as engine:
            session = await engine.session(RunOptions(cwd=stage.project, label=LABEL))
            events: list[AgentEvent] = []
            for prompt in stage.story.prompts:
                async with session.turn(prompt) as turn:
                    events += [event async for event in turn]
        routes = [event.route.tier for event in events if isinstance(event, RouteDecided)]
        assert routes == [Tier.SIMPLE, Tier.COMPLEX]
        assert [type(e) for e in events].count(TurnFinished) == 2
        assert "%.2f" in (stage.project / "shop" / "report.py").read_text()
        folder = stage.project.parent
    assert not folder.exists()


async def test_a_tool_that_stops_working_fails_the_demo() -> None:
    with set_stage() as stage:
        (stage.project / "shop" / "price.py").write_text("nothing to see\n")
        async with Engine(stage.config, providers={"demo": stage.provider}) as engine:
            session = await engine.session(RunOptions(cwd=stage.project))
            last: AgentEvent | None = None
            for prompt in stage.story.prompts:
                async with session.turn(prompt) as turn:
                    async for event in turn:
                        last = event
        assert not isinstance(last, TurnFinished)


def test_the_story_edits_two_files_and_meets_a_failing_test() -> None:
    calls = [call.name for step in load_story().steps for call in step.calls]
    assert calls.count("edit") == 3
    assert calls.count("bash") == 2
