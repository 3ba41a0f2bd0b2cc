"""A stored session as text: Markdown, a page of HTML, JSON, or a short view for the terminal.

All but JSON are made from one list of blocks. Foreign text is cleaned of what could steer a
terminal, and escaped where the form needs it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from html import escape

from ralex.core.budget import format_usd
from ralex.core.codec import event_to_json, to_jsonable
from ralex.core.events import (
    AgentEvent,
    AssistantMessageCompleted,
    Notice,
    RouteDecided,
    ToolCallFinished,
    ToolCallStarted,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from ralex.core.ids import CallId
from ralex.core.stream import TextDelta
from ralex.core.terminal_text import clean, clean_line
from ralex.store.sessions import StoredSession


class BlockKind(StrEnum):
    """What a block of a transcript is."""

    USER = "user"
    REPLY = "reply"
    TOOL = "tool"
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
    partial: list[str] = []
    for event in events:
        if isinstance(event, TextDelta):
            partial.append(event.text)
            continue
        if isinstance(event, TurnStarted | TurnFailed) and partial:
            yield _partial(partial)
        if not isinstance(event, Notice):
            partial = []
        yield from _blocks_of(event, titles)
    if partial:
        yield _partial(partial)
    for title in titles.values():
        yield _block(BlockKind.TOOL, f"{title} · outcome unknown")


def _blocks_of(event: AgentEvent, titles: dict[CallId, str]) -> Iterator[Block]:
    match event:
        case TurnStarted():
            yield _block(BlockKind.USER, "You", event.prompt)
        case RouteDecided(route=route):
            tier = f"{route.tier} → " if route.tier else ""
            yield _block(BlockKind.RECEIPT, f"{tier}{route.model} · {'; '.join(route.reasons)}")
        case AssistantMessageCompleted() if event.message.text:
            suffix = " (interrupted)" if event.is_partial else ""
            yield _block(BlockKind.REPLY, f"{event.model}{suffix}", event.message.text)
        case ToolCallStarted():
            titles[event.call_id] = f"{event.name} {event.title}".strip()
        case ToolCallFinished():
            title = titles.pop(event.call_id, event.name)
            yield _block(BlockKind.TOOL, f"{title} · {event.summary}", event.diff or event.output)
        case Notice():
            yield _block(BlockKind.NOTE, event.text)
        case TurnFinished():
            saved = "" if event.saved_usd is None else f" · saved {format_usd(event.saved_usd)}"
            yield _block(BlockKind.RECEIPT, f"cost {format_usd(event.cost_usd)}{saved}")
        case TurnFailed():
            cost = format_usd(event.cost_usd)
            yield _block(BlockKind.NOTE, f"{event.code}: {event.message} · cost {cost}")
        case _:
            pass


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
    parts = [f"# {clean_line(session.title) or session.id}", "\n".join(_facts(session, "- "))]
    for block in blocks(events):
        match block.kind:
            case BlockKind.USER:
                parts.append(f"## {block.heading}\n\n{block.text}")
            case BlockKind.REPLY:
                parts.append(f"### {block.heading}\n\n{block.text}")
            case BlockKind.TOOL:
                parts.append(f"**{_inline(block.heading)}**" + _fenced(block.text))
            case BlockKind.RECEIPT | BlockKind.NOTE:
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
        if block.kind is BlockKind.TOOL and text:
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
                parts.append("\n".join(f"> {line}" for line in block.text.splitlines()))
            case BlockKind.REPLY:
                parts.append(block.text)
            case BlockKind.TOOL:
                parts.append(f"  ▸ {block.heading}")
            case BlockKind.RECEIPT | BlockKind.NOTE:
                parts.append(f"  {block.heading}")
    return "\n\n".join(parts) + "\n"


def local_time(seconds: float) -> str:
    """Show a time since the epoch in the user's zone, to the minute."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def _facts(session: StoredSession, mark: str) -> Iterator[str]:
    yield f"{mark}session {session.id}" + (
        f", a copy of {session.forked_from}" if session.forked_from else ""
    )
    yield f"{mark}folder {clean_line(session.project)}"
    yield f"{mark}{local_time(session.created_s)} to {local_time(session.updated_s)}"


def _block(kind: BlockKind, heading: str, text: str = "") -> Block:
    return Block(kind=kind, heading=clean_line(heading), text=clean(text).strip("\n"))


def _partial(pieces: Sequence[str]) -> Block:
    return _block(BlockKind.REPLY, "interrupted", "".join(pieces))


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
.receipt, .note, .facts {{ opacity: .7; font-size: .9rem; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
