"""What to leave out when a conversation outgrows its window: old tool output first, words last.

Leaving anything out breaks the provider's prompt cache once, so it is done rarely and in large
batches: old tool output is replaced by one line each, and only when that gains enough. If it does
not, everything but the newest steps gives way to a summary.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ralex.core.messages import AssistantMessage, Message, ToolResultMessage, UserMessage
from ralex.core.pictures import LEFT_OUT, without_pictures

KEPT_TOOL_TOKENS = 40_000
"""Newest tool output that stays; what coding agents in use protect (2026)."""

LEAST_GAIN_TOKENS = 20_000
"""Below this gain the broken cache costs more than the shorter request saves."""

MASKED_FROM_CHARS = 400
"""Shorter tool output stays: its placeholder would be as long."""

KEPT_ASKS_TOKENS = 20_000
KEPT_TAIL_TOKENS = 20_000
_PLACEHOLDER_TOKENS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Sizes at which something is done, in tokens of input.

    Attributes:
        soft: From here old tool output is masked, if that gains enough.
        hard: From here the request must shrink; the rest of the window is for the answer.
    """

    soft: int
    hard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Masking:
    """A batch of tool output to leave out.

    Attributes:
        before: Tool results in front of this place of the message list are left out.
        results: How many these are.
        freed_tokens: Estimate of what that gains.
    """

    before: int
    results: int
    freed_tokens: int


def marks_for(window: int) -> Marks:
    """Place the marks of a context window."""
    reserve = max(min(16_384, window // 4), window * 15 // 100)
    return Marks(soft=window * 7 // 10, hard=window - reserve)


def plan_masking(
    messages: Sequence[Message], sizes: Sequence[int], *, keep_tokens: int, least_gain: int
) -> Masking | None:
    """Plan the largest batch of old tool output that may be left out; None if it gains too little.

    Args:
        sizes: Estimated tokens of each message.
        keep_tokens: Newest tool output that stays. The results of the last reply stay in any case,
            unless this is 0.
    """
    before = _place_to_keep(messages, sizes, keep_tokens)
    found = [
        sizes[place] - _PLACEHOLDER_TOKENS
        for place in range(before)
        if _is_maskable(messages[place])
    ]
    gain = sum(found)
    if not found or gain < max(least_gain, 1):
        return None
    return Masking(before=before, results=len(found), freed_tokens=gain)


def masked(messages: Sequence[Message], before: int) -> list[Message]:
    """Leave out the tool output in front of a place, one line for each result, and pictures."""
    return [
        _placeholder(message) if place < before else message
        for place, message in enumerate(messages)
    ]


def tail_start(messages: Sequence[Message], sizes: Sequence[int], *, keep_tokens: int) -> int:
    """Find where the newest messages begin that outlive a compaction.

    The place is in front of a reply or of the user's words, never between a call and its result,
    and behind the system message and the first user message. It is the end of the list if not even
    the last of these fits.
    """
    start, held = len(messages), 0
    for place in range(len(messages) - 1, 1, -1):
        held += sizes[place]
        if held > keep_tokens:
            break
        if isinstance(messages[place], AssistantMessage | UserMessage):
            start = place
    return start


def within_limit(asks: Sequence[str], sizes: Sequence[int], *, keep_tokens: int) -> tuple[str, ...]:
    """Keep the newest of the user's messages that fit, in their order."""
    kept: list[str] = []
    held = 0
    for ask, size in zip(reversed(asks), reversed(sizes), strict=True):
        held += size
        if held > keep_tokens:
            break
        kept.append(ask)
    return tuple(reversed(kept))


def compacted_text(
    *,
    standing: Sequence[str],
    summary: str,
    asks: Sequence[str],
    left_out_asks: int,
    plan: str,
    last_ask: str,
) -> str:
    """Word the one user message that takes the place of everything before the tail.

    Args:
        standing: Environment and instruction blocks, verbatim.
        asks: Earlier messages of the user, verbatim, oldest first.
        left_out_asks: How many older ones did not fit.
        plan: The todo list, or empty.
        last_ask: What is being worked on, or empty if the tail holds it.
    """
    blocks = [*standing]
    blocks.append(
        "<summary>\nThis summary stands for the earlier conversation. What it does not hold must "
        f"be read again before you rely on it.\n\n{summary.strip()}\n</summary>"
    )
    if asks or left_out_asks:
        lines = [f"[{left_out_asks} older messages left out]"] if left_out_asks else []
        lines += [f"<message>\n{ask}\n</message>" for ask in asks]
        blocks.append("<earlier_user_messages>\n" + "\n".join(lines) + "\n</earlier_user_messages>")
    if plan:
        blocks.append(f"<todo>\n{plan}\n</todo>")
    if last_ask:
        blocks.append(last_ask)
    return "\n\n".join(blocks)


def _place_to_keep(messages: Sequence[Message], sizes: Sequence[int], keep_tokens: int) -> int:
    """Find the place in front of which tool output may go."""
    if keep_tokens <= 0:
        return len(messages)
    held = 0
    before = 0
    for place in range(len(messages) - 1, -1, -1):
        if not isinstance(messages[place], ToolResultMessage):
            continue
        held += sizes[place]
        if held > keep_tokens:
            before = place + 1
            break
    replies = (i for i in range(len(messages) - 1, -1, -1) if _has_calls(messages[i]))
    return min(before, next(replies, len(messages)))


def _has_calls(message: Message) -> bool:
    return isinstance(message, AssistantMessage) and bool(message.tool_calls)


def _is_maskable(message: Message) -> bool:
    if not isinstance(message, ToolResultMessage):
        return False
    return bool(message.images) or len(message.text) > MASKED_FROM_CHARS


def _placeholder(message: Message) -> Message:
    message = without_pictures(message, LEFT_OUT)
    if not isinstance(message, ToolResultMessage) or not _is_maskable(message):
        return message
    lines = message.text.count("\n") + 1
    return replace(
        message,
        text=f"[output of {message.name} left out to save room: {len(message.text):,} characters "
        f"in {lines:,} lines; repeat the call if you need it]",
    )
