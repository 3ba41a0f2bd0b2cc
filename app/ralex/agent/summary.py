"""The words of compaction: what a summary must hold, and what is made of a conversation for it."""

from collections.abc import Sequence

from ralex.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolResultMessage,
    UserMessage,
)
from ralex.core.pictures import without_pictures

SUMMARY_TOKENS = 4_096
"""Cap on a summary; those of agents in use stay between 500 and 3,000 tokens (2026)."""

_RESULT_CHARS = 2_000
_ARGUMENT_CHARS = 1_000

SUMMARISER = "You write handover notes for a coding agent. You answer with the notes alone."

_STRUCTURE = """\
Write a summary of this conversation so that the work can go on without it. Call no tools. \
If the conversation begins with an earlier summary, update it: keep what still holds, correct what \
does not. Use exactly these headings, and leave out nothing that the next step needs:

## Goal
What the user wants, in their terms.
## Constraints
Rules, preferences and limits the user or the project's instruction files gave.
## Done, in progress, blocked
## Decisions
Each with its reason.
## Next step
The very next action.
## Files
Paths read or changed, with what matters in them.
## Exact identifiers and errors
Names, commands, versions, and error messages word for word.

Mark what you are not sure of with "re-read". Be complete but brief; leave out code that can be \
read again.\
"""


def summary_request(focus: str) -> str:
    """Word the message that asks for a summary.

    Args:
        focus: What the user wants kept in mind, or empty.
    """
    return f"{_STRUCTURE}\n\nKeep especially: {focus}" if focus else _STRUCTURE


def flattened(messages: Sequence[Message]) -> str:
    """Write a conversation down as plain text, long tool output cut, for a model of any kind."""
    lines: list[str] = []
    for message in map(without_pictures, messages):
        match message:
            case SystemMessage():
                continue
            case UserMessage():
                lines.append(f"[user]\n{message.text}")
            case AssistantMessage():
                if message.text:
                    lines.append(f"[assistant]\n{message.text}")
                lines += [
                    f"[call] {call.name} {cut(call.arguments_json, _ARGUMENT_CHARS)}"
                    for call in message.tool_calls
                ]
            case ToolResultMessage():
                lines.append(f"[result of {message.name}]\n{cut(message.text, _RESULT_CHARS)}")
    return "\n\n".join(lines)


def plain_summary(messages: Sequence[Message], earlier: str) -> str:
    """Put a summary together without a model, for when none can be asked.

    Args:
        earlier: The summary so far, or empty.
    """
    calls = [
        f"- {call.name} {cut(call.arguments_json, 160)}"
        for message in messages
        if isinstance(message, AssistantMessage)
        for call in message.tool_calls
    ]
    said = [m.text for m in messages if isinstance(m, AssistantMessage) and m.text.strip()]
    parts = [cut(earlier, 8_000)] if earlier else []
    parts.append("No model could be asked for a summary; this is a list of what was done.")
    if calls:
        parts.append("## Calls made, the newest last\n" + "\n".join(calls[-60:]))
    if said:
        parts.append("## Said last\n" + cut(said[-1], 4_000))
    return "\n\n".join(parts)


def cut(text: str, most: int) -> str:
    """Keep the beginning and the end of a text.

    Args:
        most: Characters to keep.
    """
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters …]\n{text[-half:]}"
