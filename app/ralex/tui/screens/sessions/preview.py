"""A look inside a stored session: what was asked last, and how it was answered."""

from collections.abc import Sequence

from textual.content import Content

from ralex.core.events import AgentEvent, AssistantMessageCompleted, TurnStarted
from ralex.tui.formats import shortened
from ralex.tui.rows import shown_line

_LONGEST = 400


def preview_lines(events: Sequence[AgentEvent], *, most: int, width: int) -> Content:
    """Write the last prompts, a row each, and the beginning of the last answer.

    Args:
        most: Rows there are; two of them at least are left for the answer.
        width: Cells of a row.
    """
    asked = [event.prompt for event in events if isinstance(event, TurnStarted)]
    answer = ""
    for event in reversed(events):
        if isinstance(event, AssistantMessageCompleted) and event.message.text.strip():
            answer = event.message.text
            break
    parts: list[str | tuple[str, str]] = []
    for prompt in asked[-(most - 2) :]:
        line = shortened(shown_line(prompt), width - 2)
        parts += [("› ", "$primary"), (f"{line}\n", "$foreground")]
    if answer:
        parts.append((shortened(shown_line(answer), _LONGEST), "$text-muted"))
    return Content.assemble(*parts) if parts else Content.styled("nothing was asked", "$text-muted")
