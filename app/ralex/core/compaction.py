"""What to leave out when a conversation outgrows its window: old tool output first, words last.

Leaving anything out breaks the provider's prompt cache once, so it is done rarely and in large
batches: old tool output is replaced by one line each, long arguments of old calls (a file that was
written) by their length, and only when that gains enough. If it does not, everything but the newest
steps gives way to a summary.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeGuard, cast

from ralex.core.messages import (
    AssistantMessage,
    Message,
    ToolCall,
    ToolResultMessage,
    UserMessage,
)
from ralex.core.patterns import lazy_pattern
from ralex.core.pictures import LEFT_OUT, without_pictures
from ralex.core.records import dataclass

KEPT_TOOL_TOKENS = 40_000
"""Newest tool output that stays; what coding agents in use protect (2026)."""

LEAST_GAIN_TOKENS = 20_000
"""Below this gain the broken cache costs more than the shorter request saves."""

MASKED_FROM_CHARS = 400
"""Shorter tool output stays: its placeholder would be as long."""

SHORTENED_FROM_CHARS = 2_000
"""Calls with less in their arguments stay as they are."""

_KEPT_VALUE_CHARS = 400
"""Of such a call, values up to this length stay: paths, patterns, commands."""

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
    """A batch of tool output and long arguments to leave out.

    Attributes:
        before: What stands in front of this place of the message list is left out.
        results: How many tool results these are.
        freed_tokens: Estimate of what that gains.
        calls: How many calls lose long arguments.
    """

    before: int
    results: int
    freed_tokens: int
    calls: int = 0


def marks_for(window: int) -> Marks:
    """Place the marks of a context window."""
    reserve = max(min(16_384, window // 4), window * 15 // 100)
    return Marks(soft=window * 7 // 10, hard=window - reserve)


def plan_masking(
    messages: Sequence[Message], sizes: Sequence[int], *, keep_tokens: int, least_gain: int
) -> Masking | None:
    """Plan the largest batch of old tool use that may be left out; None if it gains too little.

    Args:
        sizes: Estimated tokens of each message.
        keep_tokens: Newest tool output and long arguments that stay. The last reply and its results
            stay in any case, unless this is 0.
    """
    before = _place_to_keep(messages, sizes, keep_tokens)
    gain = results = calls = 0
    for message, size in zip(messages[:before], sizes, strict=False):
        if _is_maskable(message):
            results += 1
            gain += size - _PLACEHOLDER_TOKENS
        elif _has_long_calls(message):
            calls += sum(map(_is_long, message.tool_calls))
            gain += _gain_of(message, size)
    if not results + calls or gain < max(least_gain, 1):
        return None
    return Masking(before=before, results=results, freed_tokens=gain, calls=calls)


def masked(messages: Sequence[Message], before: int) -> list[Message]:
    """Leave out what stands in front of a place: tool output, pictures, long arguments of calls."""
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
        message = messages[place]
        if isinstance(message, ToolResultMessage):
            held += sizes[place]
        elif _has_long_calls(message):
            held += _gain_of(message, sizes[place])
        else:
            continue
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


def _has_long_calls(message: Message) -> TypeGuard[AssistantMessage]:
    return isinstance(message, AssistantMessage) and any(map(_is_long, message.tool_calls))


def _is_long(call: ToolCall) -> bool:
    return len(call.arguments_json) > SHORTENED_FROM_CHARS


def _gain_of(message: AssistantMessage, size: int) -> int:
    """Estimate what shortening the calls of a message gains, from its size in tokens."""
    before = sum(len(call.arguments_json) for call in message.tool_calls)
    after = sum(len(_shortened(call).arguments_json) for call in message.tool_calls)
    whole = len(message.text) + len(message.reasoning) + len(message.opaque_json) + before
    return size * (before - after) // whole


def _shortened(call: ToolCall) -> ToolCall:
    """Leave the long values of a call's arguments out; what is left is JSON of the same form."""
    if not _is_long(call):
        return call
    try:
        arguments = cast("object", json.loads(call.arguments_json, strict=False))
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        arguments = {"left_out": _left_out(call.arguments_json)}
    short = json.dumps(_without_long(cast("object", arguments)), ensure_ascii=False)
    if len(short) > SHORTENED_FROM_CHARS:  # many short values
        short = json.dumps({"left_out": _left_out(call.arguments_json)})
    return replace(call, arguments_json=short)


def _without_long(value: object) -> object:
    if isinstance(value, str):
        return value if len(value) <= _KEPT_VALUE_CHARS else _left_out(value)
    if isinstance(value, list):
        return [_without_long(one) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {key: _without_long(one) for key, one in items}
    return value


_STAND_IN = lazy_pattern(
    r"^[ \t]*\[(?:[\d,]+ characters were sent here and are left out of this record"
    r"|output of [\w-]+ left out to save room: [\d,]+ characters in [\d,]+ lines; "
    r"repeat the call if you need it)\][ \t]*\r?$",
    re.MULTILINE,
)


def holds_stand_in(value: object) -> bool:
    """Tell whether arguments hold a line that masking put in the place of a longer text.

    A model that imitates what it sees of its earlier calls would write that line into a file.
    """
    if isinstance(value, str):
        return "left out" in value and _STAND_IN.search(value) is not None
    if isinstance(value, list):
        return any(map(holds_stand_in, cast("list[object]", value)))
    if isinstance(value, Mapping):
        return any(map(holds_stand_in, cast("Mapping[str, object]", value).values()))
    return False


def _left_out(text: str) -> str:
    return f"[{len(text):,} characters were sent here and are left out of this record]"


def _placeholder(message: Message) -> Message:
    if _has_long_calls(message):
        return replace(message, tool_calls=tuple(map(_shortened, message.tool_calls)))
    message = without_pictures(message, LEFT_OUT)
    if not isinstance(message, ToolResultMessage) or not _is_maskable(message):
        return message
    lines = message.text.count("\n") + 1
    return replace(
        message,
        text=f"[output of {message.name} left out to save room: {len(message.text):,} characters "
        f"in {lines:,} lines; repeat the call if you need it]",
    )
