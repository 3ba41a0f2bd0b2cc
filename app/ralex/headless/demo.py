"""Play the demo without a screen: every step with its tier, model, tokens and cost."""

import asyncio
from typing import TextIO

from ralex.core.events import (
    AgentEvent,
    AssistantMessageCompleted,
    RouteDecided,
    StepFinished,
    ToolCallFinished,
    ToolCallStarted,
    TurnFailed,
    TurnFinished,
)
from ralex.core.terminal_text import clean
from ralex.demo.stage import Stage, set_stage
from ralex.demo.story import LABEL
from ralex.headless.run import report_error, route_line
from ralex.run_options import RunOptions
from ralex.wiring import Engine


def run_demo_headless(stdout: TextIO, stderr: TextIO) -> int:
    """Play the whole story and give the exit code."""
    with set_stage() as stage:
        return asyncio.run(_play(stage, stdout, stderr))


async def _play(stage: Stage, stdout: TextIO, stderr: TextIO) -> int:
    print(f"{LABEL}\n", file=stdout)
    options = RunOptions(cwd=stage.project, label=LABEL)
    async with Engine(stage.config, providers={"demo": stage.provider}) as engine:
        session = await engine.session(options, first_prompt=stage.story.prompts[0])
        for prompt in stage.story.prompts:
            print(f"> {prompt}", file=stdout)
            end: AgentEvent | None = None
            async with session.turn(prompt) as events:
                async for event in events:
                    for line in _lines(event):
                        print(clean(line), file=stdout)
                    end = event
            if isinstance(end, TurnFailed):
                report_error(end.message, end.hint, stderr)
                return end.exit_code
            print(file=stdout)
        budget = await session.budget()
    print(
        f"Spent ${budget.spent_usd:.4f} of the demo's ${budget.limit_usd:.2f} (simulated); "
        f"the top tier alone would have cost ~${budget.saved_usd + budget.spent_usd:.4f}.",
        file=stdout,
    )
    return 0


def _lines(event: AgentEvent) -> list[str]:
    match event:
        case RouteDecided():
            return [f"  {route_line(event.route)}"]
        case AssistantMessageCompleted():
            return [f"  {line}" for line in event.message.text.splitlines()]
        case ToolCallStarted():
            return [f"  · {event.name} {event.title}"]
        case ToolCallFinished():
            body = [
                f"      {line}"
                for line in event.diff.splitlines()
                if line[:1] in "+-" and line[:3] not in ("+++", "---")
            ]
            return [f"    {event.summary}", *body]
        case StepFinished():
            tier = event.tier or "—"
            return [
                f"    [{tier} {event.model} · step {event.step} · "
                f"{event.usage.total_input_tokens:,} in "
                f"({event.usage.cache_read_tokens:,} cached) / "
                f"{event.usage.output_tokens:,} out · ${event.cost_usd:.5f} · "
                f"today ${event.budget.spent_usd:.5f}]"
            ]
        case TurnFinished():
            return [
                f"  = {event.steps} steps · {event.usage.total_tokens:,} tokens · "
                f"${event.cost_usd:.5f} · files changed: {', '.join(event.files_changed) or 'none'}"
            ]
        case _:
            return []
