"""Run one prompt without a screen and report it as text, JSON or JSON lines.

stdout carries only the answer; what happens on the way goes to stderr.
"""

import asyncio
import json
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, TextIO

from ralex.core.budget import format_usd
from ralex.core.codec import event_to_json, to_jsonable, without_picture_data
from ralex.core.events import (
    AgentEvent,
    ApprovalRequested,
    Notice,
    QuestionAsked,
    RetryScheduled,
    RouteDecided,
    StepStarted,
    ToolCallFinished,
    ToolCallStarted,
    TurnFailed,
    TurnFinished,
)
from ralex.core.formats import count
from ralex.core.records import dataclass
from ralex.core.routing import RouteDecision
from ralex.core.terminal_text import clean
from ralex.core.usage import Usage
from ralex.errors import RalexError, StructuredAnswerError

if TYPE_CHECKING:
    from ralex.agent.session import Session
    from ralex.headless.structured import AnswerForm

OUTPUTS = ("text", "json", "stream-json")


@dataclass(slots=True, kw_only=True)
class Reporter:
    """Turns one turn's events into the output that was asked for.

    Args:
        output: ``text``, ``json`` or ``stream-json``.
        is_raw: Leave control characters of the answer alone, for pipes that want every byte.
        form: What the answer must look like; None for text.

    Attributes:
        structured: The answer's value once it follows the form.
        faults: What is wrong with an answer that does not.
    """

    output: str
    stdout: TextIO
    stderr: TextIO
    is_raw: bool = False
    form: "AnswerForm | None" = None
    session_id: str | None = None
    route: RouteDecision | None = None
    deployment: str = ""
    end: TurnFinished | TurnFailed | None = None
    structured: object = None
    faults: tuple[str, ...] = ()

    def take(self, event: AgentEvent) -> None:
        """Report one event."""
        if self.output == "stream-json":
            self._line(event_to_json(without_picture_data(event)))
        match event:
            case RouteDecided():
                self.route = event.route
                self._say(f"{route_line(event.route)}")
            case StepStarted() if event.deployment and event.deployment != self.deployment:
                self.deployment = event.deployment
                self._say(event.deployment)
                if self.route is not None:
                    self.route = self.route.served_by(event.model, event.deployment)
            case RetryScheduled():
                wait = f" in {event.wait_s:.1f} s" if event.wait_s else ""
                self._say(f"{event.error}; trying {event.next_model}{wait}")
            case Notice():
                self._say(event.text)
            case ToolCallStarted():
                self._say(f"  {event.name} {event.title}")
            case ToolCallFinished() if event.is_error or event.exit_code:
                self._say(f"    {event.summary}")
            case TurnFinished() | TurnFailed():
                self.end = event
            case _:
                pass

    def finish(self) -> int:
        """Print the answer or the error, and give the exit code."""
        end = self.end
        if end is None:
            raise RalexError("the turn ended without a last event")
        error = self._form_error(end)
        if self.output == "text":
            text = self._text(end)
            if text:
                print(text if self.is_raw else clean(text), file=self.stdout)
        else:
            self._line(self._result(end, error))
        self._summary(end)
        if error is not None:
            report_error(error.message, error.hint, self.stderr)
            return error.exit_code
        if isinstance(end, TurnFailed):
            report_error(end.message, end.hint, self.stderr)
            return end.exit_code
        return 0

    def fail(self, error: RalexError) -> int:
        """Report an error that came before any turn, and give the exit code."""
        if self.output != "text":
            self._line(self._empty_result(error))
        report_error(error.message, error.hint, self.stderr)
        return error.exit_code

    def check_form(self) -> bool:
        """Read the answer into the form that was asked for; False if it must be asked for again."""
        end = self.end
        if self.form is None or not isinstance(end, TurnFinished):
            return True
        checked = self.form.check(end.text)
        self.structured, self.faults = checked.value, checked.faults
        return not checked.faults

    def _form_error(self, end: TurnFinished | TurnFailed) -> RalexError | None:
        if not self.faults or isinstance(end, TurnFailed):
            return None
        return StructuredAnswerError(
            f"the answer does not follow the JSON Schema: {'; '.join(self.faults)}",
            hint="simplify the schema, or choose another model with --model or --tier",
        )

    def _text(self, end: TurnFinished | TurnFailed) -> str:
        if self.form is None or isinstance(end, TurnFailed):
            return end.text
        if self.faults:  # stdout is for the answer alone, and this is none
            return ""
        return json.dumps(self.structured, ensure_ascii=False)

    def _result(
        self, end: TurnFinished | TurnFailed, fault: RalexError | None
    ) -> dict[str, object]:
        budget = end.budget
        failure = end if isinstance(end, TurnFailed) else fault
        error = (
            {"code": failure.code, "message": failure.message, "hint": failure.hint}
            if failure is not None
            else None
        )
        return {
            "type": "result",
            "session_id": self.session_id,
            "text": end.text,
            "stop_reason": end.stop_reason
            if isinstance(end, TurnFinished) and fault is None
            else error and error["code"],
            "model": end.model,
            "tier": end.tier,
            "route": to_jsonable(self.route) if self.route else None,
            "steps": end.steps,
            "usage": to_jsonable(end.usage),
            "cost_usd": money(end.cost_usd),
            "saved_usd": money(end.saved_usd),
            "budget": {
                "limit_usd": money(budget.limit_usd),
                "spent_usd": money(budget.spent_usd),
                "held_usd": money(budget.held_usd),
                "left_usd": money(budget.left_usd),
            }
            if budget
            else None,
            "files_changed": list(end.files_changed),
            "structured": self.structured,
            "error": error,
        }

    def _empty_result(self, error: RalexError) -> dict[str, object]:
        return {
            "type": "result",
            "session_id": self.session_id,
            "text": "",
            "stop_reason": error.code,
            "model": None,
            "tier": None,
            "route": None,
            "steps": 0,
            "usage": to_jsonable(Usage()),
            "cost_usd": "0",
            "saved_usd": None,
            "budget": None,
            "files_changed": [],
            "structured": None,
            "error": {"code": error.code, "message": error.message, "hint": error.hint},
        }

    def _summary(self, end: TurnFinished | TurnFailed) -> None:
        tokens = end.usage.total_tokens
        line = f"{count(end.steps, 'step')} · {tokens:,} tokens · {format_usd(end.cost_usd)}"
        if end.saved_usd is not None and end.saved_usd > 0:
            line += f" · saved ~{format_usd(end.saved_usd)}"
        if end.budget is not None:
            limit = end.budget.limit_usd
            of_limit = f" of {format_usd(limit)}" if limit is not None else ""
            line += f" · today {format_usd(end.budget.spent_usd)}{of_limit}"
        self._say(line)

    def _say(self, text: str) -> None:
        print(f"ralex: {clean(text)}", file=self.stderr, flush=True)

    def _line(self, value: object) -> None:
        print(json.dumps(value, ensure_ascii=False), file=self.stdout, flush=True)


def money(usd: Decimal | None) -> str | None:
    """Write USD as a plain decimal string, never with an exponent."""
    return None if usd is None else f"{usd.normalize():f}"


def route_line(route: RouteDecision) -> str:
    """Write a routing decision in one line: tier, model, and why."""
    tier = route.tier or "—"
    why = route.reasons[0] if route.reasons else route.reason
    return f"{tier} → {route.model} ({route.reason}: {why})"


def report_error(message: str, hint: str, stderr: TextIO) -> None:
    """Print an error in one line, and its hint in a second."""
    print(f"ralex: error: {clean(message)}", file=stderr)
    if hint:
        print(f"ralex: hint: {clean(hint)}", file=stderr)


async def run_prompt(
    session: "Session", prompt: str, reporter: Reporter, *, attached: str = ""
) -> int:
    """Run one turn; a cancellation (Ctrl+C) ends it cleanly with exit code 130."""
    reporter.session_id = session.id
    await _turn(session, prompt, reporter, attached)
    if not reporter.check_form():
        await _repair(session, reporter)
    return reporter.finish()


async def _repair(session: "Session", reporter: Reporter) -> None:
    """Ask once more for an answer of the right form, of the model that gave the wrong one."""
    from ralex.core.routing import Override  # noqa: PLC0415
    from ralex.headless.structured import joined, repair_prompt  # noqa: PLC0415

    first = reporter.end
    assert isinstance(first, TurnFinished)  # noqa: S101 - only an answer is checked
    session.set_override(Override(model=first.model, once=True))
    await _turn(session, repair_prompt(reporter.faults), reporter, "")
    reporter.check_form()
    if reporter.end is not None:
        reporter.end = joined(first, reporter.end)


async def _turn(session: "Session", prompt: str, reporter: Reporter, attached: str) -> None:
    try:
        async with session.turn(prompt, attached=attached) as events:
            async for event in events:
                reporter.take(event)
                if isinstance(event, ApprovalRequested):
                    session.answer(event.request_id, "")
                    reporter.take(_refused(event))
                elif isinstance(event, QuestionAsked):
                    session.answer(event.request_id, "")
                    text = f"no user is here to answer: {event.question}; the model decides itself"
                    reporter.take(Notice(level="warning", text=text))
    except asyncio.CancelledError:
        reporter.end = session.last_failure
        if reporter.end is None:
            raise


def _refused(event: ApprovalRequested) -> Notice:
    if event.reason.startswith("the mode"):
        hint = "use --mode yolo"
    elif " = ask (" in event.reason:
        hint = "allow it under [permissions] in config.toml"
    else:
        hint = "no rule can allow what may be forbidden: change the one that forbids"
    text = f"refused {event.name} {event.title}: {event.reason} needs a screen; {hint}"
    return Notice(level="warning", text=text)


def stdio_reporter(output: str, *, is_raw: bool, form: "AnswerForm | None" = None) -> Reporter:
    """Report to this process's own streams."""
    return Reporter(
        output=output,
        stdout=sys.stdout,
        stderr=sys.stderr,
        is_raw=is_raw or not sys.stdout.isatty(),
        form=form,
    )
