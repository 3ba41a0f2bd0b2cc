"""A stored session as text: Markdown, a page of HTML, JSON, or a short view for the terminal.

All but JSON are made from one list of blocks. Foreign text is cleaned of what could steer a
terminal, and escaped where the form needs it.
"""

import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from html import escape
from typing import assert_never

from ralex.core.budget import format_usd
from ralex.core.capacity import CapacityAction
from ralex.core.codec import event_to_json, to_jsonable
from ralex.core.events import (
    AdviceGiven,
    AgentEvent,
    ApprovalRequested,
    AssistantMessageCompleted,
    CapacityDecided,
    ChangesUndone,
    ContextAdded,
    ContextCompacted,
    ContextMasked,
    EvidenceNoted,
    Notice,
    QuestionAsked,
    RetryScheduled,
    RouteDecided,
    ShellRan,
    SteeringDelivered,
    SteeringQueued,
    SteeringWithdrawn,
    StepFinished,
    StepStarted,
    TaskProgressed,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutputGrew,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from ralex.core.ids import CallId
from ralex.core.partials import with_partials
from ralex.core.records import dataclass
from ralex.core.stream import ReasoningDelta, TextDelta, ToolCallDelta
from ralex.core.terminal_text import clean, clean_line
from ralex.store.markdown_tags import without_tags
from ralex.store.sessions import StoredSession

_YOU = "You"


class BlockKind(StrEnum):
    """What a block of a transcript is.

    An aside is long and rarely wanted, such as a tool's result; a step is the receipt of one call.
    """

    USER = "user"
    REPLY = "reply"
    ASIDE = "aside"
    STEP = "step"
    RECEIPT = "receipt"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One piece of a transcript, clean of control characters.

    Attributes:
        heading: One line.
        text: What stands under it, or empty.
    """

    kind: BlockKind
    heading: str
    text: str = ""


def blocks(events: Iterable[AgentEvent]) -> Iterator[Block]:
    """Turn a session's events into blocks, in order."""
    titles: dict[CallId, str] = {}
    waiting: dict[str, str] = {}
    for event in with_partials(events):
        if isinstance(event, TurnStarted):
            yield from _unfinished(titles)
        if isinstance(event, SteeringQueued):
            waiting[event.steering_id] = event.text
        elif isinstance(event, SteeringDelivered | SteeringWithdrawn):
            waiting.pop(event.steering_id, None)
        yield from _blocks_of(event, titles)
    yield from _unfinished(titles)
    for text in waiting.values():
        yield _block(BlockKind.USER, "You (the model has not been told yet)", text)


def _unfinished(titles: dict[CallId, str]) -> Iterator[Block]:
    """Say of each call without an end, once, that nobody knows what came of it."""
    for title in titles.values():
        yield _block(BlockKind.ASIDE, f"{title} · outcome unknown")
    titles.clear()


def _blocks_of(  # noqa: C901, PLR0912 - one case for each event
    event: AgentEvent, titles: dict[CallId, str]
) -> Iterator[Block]:
    match event:
        case TurnStarted():
            yield _block(BlockKind.USER, _YOU, event.prompt)
        case SteeringDelivered():
            yield _block(BlockKind.USER, "You, meanwhile", event.text)
        case RouteDecided(route=route):
            tier = f"{route.tier} → " if route.tier else ""
            yield _block(BlockKind.RECEIPT, f"{tier}{route.model} · {'; '.join(route.reasons)}")
        case AssistantMessageCompleted():
            yield from _reply(event)
        case ToolCallStarted():
            titles[event.call_id] = f"{event.name} {event.title}".strip()
        case ToolCallFinished():
            title = titles.pop(event.call_id, event.name)
            yield _block(BlockKind.ASIDE, f"{title} · {event.summary}", event.diff or event.output)
        case ShellRan():
            ending = "stopped" if event.exit_code is None else f"exit {event.exit_code}"
            yield _block(BlockKind.ASIDE, f"! {event.command} · {ending}", event.output)
        case StepFinished():
            yield _block(BlockKind.STEP, _step(event))
        case ContextAdded():
            yield _block(BlockKind.ASIDE, f"context · {event.label}", event.text)
        case AdviceGiven():
            heading = f"advice from {event.model} · {format_usd(event.cost_usd)} · {event.reason}"
            yield _block(BlockKind.ASIDE, heading, event.text)
        case ContextCompacted():
            yield _block(BlockKind.ASIDE, _compaction(event), event.summary)
        case CapacityDecided() if event.capacity.action is CapacityAction.FITS:
            pass
        case (
            CapacityDecided()
            | ContextMasked()
            | EvidenceNoted()
            | RetryScheduled()
            | ApprovalRequested()
            | QuestionAsked()
            | ChangesUndone()
            | Notice()
        ):
            yield _block(BlockKind.NOTE, _note(event))
        case TurnFinished():
            yield _block(BlockKind.RECEIPT, _receipt(event))
        case TurnFailed():
            text = f"{event.code}: {event.message} · {_receipt(event)}"
            yield _block(BlockKind.NOTE, text)
        case StepStarted() | SteeringQueued() | TextDelta() | ReasoningDelta() | ToolCallDelta():
            pass
        case SteeringWithdrawn():
            pass
        case TaskProgressed() | ToolOutputGrew():
            pass  # the call's result holds what came of it
        case _:
            assert_never(event)


def _reply(event: AssistantMessageCompleted) -> Iterator[Block]:
    suffix = " (interrupted)" if event.is_partial else ""
    if event.message.reasoning.strip():
        yield _block(BlockKind.ASIDE, f"thought{suffix}", event.message.reasoning)
    if event.message.text:
        yield _block(BlockKind.REPLY, f"{event.model or 'reply'}{suffix}", event.message.text)


def _note(
    event: CapacityDecided
    | ContextMasked
    | EvidenceNoted
    | RetryScheduled
    | ApprovalRequested
    | QuestionAsked
    | ChangesUndone
    | Notice,
) -> str:
    match event:
        case CapacityDecided(capacity=capacity):
            moved = f" {capacity.upsize_model}" if capacity.upsize_model else ""
            return f"size: {capacity.action}{moved} ({capacity.arithmetic})"
        case ContextMasked():
            return (
                f"{event.results} old tool results left out of the context, "
                f"~{event.freed_tokens:,} tokens"
            )
        case EvidenceNoted():
            return f"evidence: {event.kind}" + (f" · {event.detail}" if event.detail else "")
        case RetryScheduled():
            wait = f" in {event.wait_s:.1f} s" if event.wait_s else ""
            return f"{event.error}; trying {event.next_model}{wait}"
        case ApprovalRequested():
            return f"asked whether {event.name} {event.title} may run"
        case QuestionAsked():
            choices = f" ({', '.join(event.options)})" if event.options else ""
            return f"asked: {event.question}{choices}"
        case ChangesUndone():
            verb = "brought again" if event.is_redo else "taken back"
            left = f"; left alone: {', '.join(event.conflicts)}" if event.conflicts else ""
            return f"{verb}: {', '.join(event.paths) or 'nothing'}{left}"
        case Notice():
            return event.text


def _step(event: StepFinished) -> str:
    usage = event.usage
    return (
        f"step {event.step} · {event.model} · {usage.total_input_tokens:,} tokens in "
        f"({usage.cache_read_tokens:,} from the cache), {usage.output_tokens:,} out · "
        f"{format_usd(event.cost_usd)} ({event.cost_source})"
    )


def _compaction(event: ContextCompacted) -> str:
    by = f" by {event.model}" if event.model else ""
    return (
        f"conversation summarised{by} · ~{event.tokens_before:,} → ~{event.tokens_after:,} tokens"
        f" · {format_usd(event.cost_usd)}"
    )


def _receipt(end: TurnFinished | TurnFailed) -> str:
    parts = [f"cost {format_usd(end.cost_usd)}"]
    if end.saved_usd is not None:
        parts.append(f"saved {format_usd(end.saved_usd)}")
    if end.steps:
        steps = "1 step" if end.steps == 1 else f"{end.steps} steps"
        parts.append(f"{steps}, {end.usage.total_tokens:,} tokens")
    if end.files_changed:
        parts.append(f"changed {', '.join(end.files_changed)}")
    return " · ".join(parts)


def exported(form: str, session: StoredSession, events: Sequence[AgentEvent]) -> str:
    """Write a whole session as ``md``, ``json`` or ``html``."""
    match form:
        case "json":
            return to_json(session, events)
        case "html":
            return to_html(session, events)
        case _:
            return to_markdown(session, events)


def to_json(session: StoredSession, events: Sequence[AgentEvent]) -> str:
    """Write a whole session as one JSON object, events as they are stored."""
    content = {
        "session": to_jsonable(session),
        "events": [event_to_json(event) for event in events],
    }
    return json.dumps(content, indent=1) + "\n"


def to_markdown(session: StoredSession, events: Sequence[AgentEvent]) -> str:
    """Write a whole session as Markdown, tool results included."""
    title = without_tags(clean_line(session.title)) or session.id
    parts = [f"# {title}", "\n".join(_facts(session, "- "))]
    for block in blocks(events):
        match block.kind:
            case BlockKind.USER:
                parts.append(f"## {block.heading}\n\n{without_tags(block.text)}")
            case BlockKind.REPLY:
                parts.append(f"### {block.heading}\n\n{without_tags(block.text)}")
            case BlockKind.ASIDE:
                parts.append(f"**{_inline(block.heading)}**" + _fenced(block.text))
            case BlockKind.STEP | BlockKind.RECEIPT | BlockKind.NOTE:
                parts.append(f"*{_inline(block.heading)}*")
    return "\n\n".join(parts) + "\n"


def to_html(session: StoredSession, events: Sequence[AgentEvent]) -> str:
    """Write a whole session as one HTML page that loads and runs nothing."""
    title = escape(clean_line(session.title) or session.id)
    body = [
        f"<h1>{title}</h1>",
        f"<p class=facts>{'<br>'.join(map(escape, _facts(session, '')))}</p>",
    ]
    for block in blocks(events):
        heading, text = escape(block.heading), escape(block.text)
        if block.kind is BlockKind.ASIDE and text:
            body.append(f"<details><summary>{heading}</summary><pre>{text}</pre></details>")
        elif text:
            body.append(
                f"<section class={block.kind}><h2>{heading}</h2><pre>{text}</pre></section>"
            )
        else:
            body.append(f"<p class={block.kind}>{heading}</p>")
    return _PAGE.format(title=title, body="\n".join(body))


def to_text(session: StoredSession, events: Sequence[AgentEvent]) -> str:
    """Write a session for the terminal: asks and answers whole, everything else in one line."""
    parts = [clean_line(session.title) or session.id, "\n".join(_facts(session, ""))]
    for block in blocks(events):
        match block.kind:
            case BlockKind.USER:
                said = "" if block.heading == _YOU else f"  {block.heading}:\n"
                parts.append(said + "\n".join(f"> {line}" for line in block.text.splitlines()))
            case BlockKind.REPLY:
                parts.append(block.text)
            case BlockKind.ASIDE:
                parts.append(f"  ▸ {block.heading}")
            case BlockKind.STEP:
                pass  # the turn's receipt adds them up
            case BlockKind.RECEIPT | BlockKind.NOTE:
                parts.append(f"  {block.heading}")
    return "\n\n".join(parts) + "\n"


def local_time(seconds: float) -> str:
    """Show a time since the epoch in the user's zone, to the minute; dashes for garbage."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (ValueError, OverflowError, OSError):
        return "----------------"


def _facts(session: StoredSession, mark: str) -> Iterator[str]:
    yield f"{mark}session {session.id}" + (
        f", a copy of {session.forked_from}" if session.forked_from else ""
    )
    yield f"{mark}folder {clean_line(session.project)}"
    yield f"{mark}{local_time(session.created_s)} to {local_time(session.updated_s)}"


def _block(kind: BlockKind, heading: str, text: str = "") -> Block:
    return Block(kind=kind, heading=clean_line(heading), text=clean(text).strip("\n"))


def _inline(text: str) -> str:
    return re.sub(r"([\\`*_<\[])", r"\\\1", text)


def _fenced(text: str) -> str:
    """Fence text with more backticks than it holds anywhere."""
    if not text:
        return ""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"\n\n{fence}\n{text}\n{fence}"


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 1.4rem; }}
h2 {{ font-size: 1rem; margin-bottom: 0; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; margin: .3rem 0; }}
details pre {{ font: .85rem/1.4 ui-monospace, monospace; }}
.user {{ border-left: .25rem solid; padding-left: .8rem; }}
.receipt, .step, .note, .facts {{ opacity: .7; font-size: .9rem; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
