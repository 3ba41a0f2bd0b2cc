"""A look inside a stored session: what was asked last, and how it was answered."""

from collections.abc import Sequence

from textual.content import Content

from ralex.core.events import AgentEvent, AssistantMessageCompleted, TurnStarted
from ralex.tui.formats import shortened
from ralex.tui.rows import shown_line

_WIDEST = 200


def preview_lines(events: Sequence[AgentEvent], *, most: int) -> Content:
    """Write the last prompts, a line each, and the beginning of the last answer."""
    asked = [event.prompt for event in events if isinstance(event, TurnStarted)]
    answer = ""
    for event in reversed(events):
        if isinstance(event, AssistantMessageCompleted) and event.message.text.strip():
            answer = event.message.text
            break
    parts: list[str | tuple[str, str]] = []
    for prompt in asked[-(most - 2) :]:
        line = shortened(shown_line(prompt), _WIDEST)
        parts += [("› ", "$primary"), (f"{line}\n", "$foreground")]
    if answer:
        parts.append((shortened(shown_line(answer), 2 * _WIDEST), "$text-muted"))
    return Content.assemble(*parts) if parts else Content.styled("nothing was asked", "$text-muted")
