"""Tells a turn in lines that make sense when they are read aloud, one after the other.

Words instead of signs and columns, whole lines instead of growing ones, nothing that moves. Every
text that is not ours passes the terminal gate here.
"""

from collections.abc import Iterator
from decimal import Decimal

from ralex.core import formats
from ralex.core.budget import BudgetState
from ralex.core.events import (
    AdviceGiven,
    AgentEvent,
    AssistantMessageCompleted,
    ChangesUndone,
    ContextCompacted,
    ContextMasked,
    EvidenceNoted,
    Notice,
    RetryScheduled,
    RouteDecided,
    ShellRan,
    SteeringDelivered,
    StepFinished,
    ToolCallFinished,
    ToolCallStarted,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from ralex.core.routing import RouteDecision
from ralex.core.stream import TextDelta
from ralex.core.terminal_text import StreamCleaner, clean, clean_line, mask_secrets

MOST_DIFF_LINES = 60
MOST_TAIL_LINES = 12


class Narrator:
    """Turns events into lines, in order; one for each session.

    Text of an answer is told line by line as the lines become whole.
    """

    def __init__(self) -> None:
        self._cleaner = StreamCleaner()
        self._line = ""
        self._is_speaking = False
        self._has_spoken = False
        self._titles: dict[str, str] = {}
        self._context = ""

    def lines(self, event: AgentEvent) -> Iterator[str]:
        """Give the lines that an event is worth; often none."""
        if isinstance(event, TextDelta):
            yield from self._written(self._cleaner.feed(event.text))
            return
        if not isinstance(event, AssistantMessageCompleted):
            yield from self._hush()
        match event:
            case TurnStarted():
                self._titles.clear()
            case AssistantMessageCompleted():
                yield from self._answered(event)
            case ToolCallStarted():
                title = f"{clean_line(event.name)} {clean_line(event.title)}".rstrip()
                self._titles[event.call_id] = title
                yield f"Tool: {title}"
            case ToolCallFinished():
                yield from self._finished_tool(event)
            case StepFinished():
                window = f" of {formats.tokens(event.window)}" if event.window else ""
                self._context = f"{formats.tokens(event.context_tokens)}{window} tokens"
            case TurnFinished() | TurnFailed():
                yield from self._ended(event)
            case _:
                yield from _side_lines(event)

    def break_off(self) -> Iterator[str]:
        """Give the lines of calls whose end nobody wrote down: their ralex was killed."""
        for title in self._titles.values():
            yield f"Stopped: {title}: how it ended is not known"
        self._titles.clear()

    def _written(self, text: str) -> Iterator[str]:
        *whole, self._line = (self._line + text).split("\n")
        for line in whole:
            yield from self._spoken(line)

    def _spoken(self, line: str) -> Iterator[str]:
        if self._is_speaking:
            yield line
        elif line.strip():  # an answer does not begin with an empty line
            self._is_speaking = self._has_spoken = True
            yield f"Ralex: {line}"

    def _hush(self) -> Iterator[str]:
        """End what was being said."""
        rest, self._line = self._line + self._cleaner.flush(), ""
        if rest:
            yield from self._spoken(rest)
        self._is_speaking = False

    def _answered(self, event: AssistantMessageCompleted) -> Iterator[str]:
        yield from self._hush()
        if not self._has_spoken and event.message.text.strip():  # it came in one piece
            for line in clean(event.message.text.strip("\n")).split("\n"):
                yield from self._spoken(line)
            self._is_speaking = False
        self._has_spoken = False

    def _finished_tool(self, event: ToolCallFinished) -> Iterator[str]:
        title = self._titles.pop(event.call_id, clean_line(event.name))
        verb = "Failed" if event.is_error else "Done"
        yield f"{verb}: {title}: {clean_line(event.summary)}"
        changed = diff_lines(event.diff)
        yield from (f"  {line}" for line in changed[:MOST_DIFF_LINES])
        if len(changed) > MOST_DIFF_LINES:
            yield f"  and {len(changed) - MOST_DIFF_LINES:,} lines more; /diff shows them"
        if event.is_error or event.exit_code:
            tail = clean(event.output).rstrip().split("\n")[-MOST_TAIL_LINES:]
            yield from (f"  {line}" for line in tail if line.strip())

    def _ended(self, event: TurnFinished | TurnFailed) -> Iterator[str]:
        if isinstance(event, TurnFailed):
            yield f"Error: {_foreign(event.message)}"
            if event.hint:
                yield f"Hint: {_foreign(event.hint)}"
        elif event.stop_reason == "length":
            yield "Warning: the answer was cut at the model's output limit; ask it to continue."
        if event.files_changed:
            yield "Files changed: " + ", ".join(clean_line(path) for path in event.files_changed)
        if event.steps:
            yield "Turn: " + ", ".join(self._figures(event)) + "."

    def _figures(self, event: TurnFinished | TurnFailed) -> Iterator[str]:
        yield formats.count(event.steps, "step")
        yield f"{formats.tokens(event.usage.total_tokens)} tokens"
        yield formats.usd(event.cost_usd)
        if event.saved_usd is not None and event.saved_usd > 0:
            yield f"saved about {formats.usd(event.saved_usd)}"
        if event.budget is not None:
            yield f"today {day_words(event.budget)}"
        if self._context:
            yield f"context {self._context}"


def route_words(route: RouteDecision) -> str:
    """Tell who answers, and why."""
    why = route.reasons[0] if route.reasons else ""
    word = formats.REASON_WORDS.get(route.reason, route.reason)
    tier = f"{route.tier}, " if route.tier else ""
    return f"{tier}{clean_line(route.model)}, by {word}: {clean_line(why)}".rstrip(": ")


def day_words(budget: BudgetState) -> str:
    """Tell what the day has cost, what is held, and the limit."""
    spent = formats.usd_cents(budget.spent_usd)
    limit = "no limit" if budget.limit_usd is None else f"of {formats.usd_cents(budget.limit_usd)}"
    held = f", {formats.usd_cents(budget.held_usd)} held" if budget.held_usd else ""
    near = ", near the limit" if budget.is_near_limit else ""
    return f"{spent} {limit}{held}{near}"


def diff_lines(diff: str, *, names_files: bool = False) -> list[str]:
    """Give a unified diff's lines without the headers that only programs read.

    Args:
        names_files: Say before each file's changes which file it is.
    """
    lines = clean(diff).rstrip().split("\n") if diff.strip() else []
    told: list[str] = []
    for at, line in enumerate(lines):
        after = lines[at + 1] if at + 1 < len(lines) else ""
        before = lines[at - 1] if at else ""
        if line.startswith(("diff --git ", "index ")) or (
            line.startswith("--- ") and after.startswith("+++ ")
        ):
            continue
        if not (line.startswith("+++ ") and before.startswith("--- ")):
            told.append(line)
        elif names_files:
            path = before[4:] if line == "+++ /dev/null" else line[4:]
            told.append(f"File {path.removeprefix('a/').removeprefix('b/')}:")
    return told


def _side_lines(event: AgentEvent) -> Iterator[str]:
    """Tell what happens beside the answer and the tools."""
    match event:
        case RouteDecided():
            yield f"Route: {route_words(event.route)}"
        case Notice():
            yield f"{event.level.capitalize()}: {_foreign(event.text)}"
        case RetryScheduled():
            wait = f" in {formats.seconds(event.wait_s)}" if event.wait_s >= 0.1 else ""
            yield f"Retry: {_foreign(event.error)}; trying {clean_line(event.next_model)}{wait}"
        case ContextMasked():
            results = formats.count(event.results, "old tool result")
            freed = formats.tokens(event.freed_tokens)
            yield f"Context: left out {results}, about {freed} tokens"
        case ContextCompacted():
            before, after = formats.tokens(event.tokens_before), formats.tokens(event.tokens_after)
            cost = f", {formats.usd(event.cost_usd)}" if event.cost_usd != Decimal(0) else ""
            yield f"Context: summarised, from about {before} to {after} tokens{cost}"
        case EvidenceNoted():
            detail = f": {_foreign(event.detail)}" if event.detail else ""
            yield f"Evidence: {clean_line(event.kind).replace('_', ' ')}{detail}"
        case AdviceGiven():
            yield f"Advice from {clean_line(event.model)}, {formats.usd(event.cost_usd)}:"
            yield from (f"  {line}" for line in clean(event.text).strip().split("\n"))
        case SteeringDelivered():
            yield f"Told meanwhile: {clean_line(event.text)}"
        case ShellRan():
            ending = "stopped" if event.exit_code is None else f"exit {event.exit_code}"
            yield f"Command: {clean_line(event.command)}: {ending}"
            yield from (f"  {line}" for line in clean(event.output).strip("\n").split("\n"))
        case ChangesUndone():
            what = "Brought back" if event.is_redo else "Taken back"
            yield f"{what}: " + ", ".join(clean_line(path) for path in event.paths)
        case _:
            return


def _foreign(text: str) -> str:
    return mask_secrets(clean_line(text))
