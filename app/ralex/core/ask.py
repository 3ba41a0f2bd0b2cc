"""What does the user ask right now? The text of the newest user message, without what tools added.

Tool results, other roles, pictures and injected reminder blocks are no ask; a message of nothing
else falls through to the one before it. Everything that judges an ask reads this text and never the
conversation.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import cast

from ralex.core.messages import Message, UserMessage

REMINDER_MARKERS: tuple[tuple[str, str], ...] = (("<system-reminder>", "</system-reminder>"),)


def ask_of(
    messages: Sequence[Mapping[str, object]],
    *,
    markers: Sequence[tuple[str, str]] = REMINDER_MARKERS,
) -> str:
    """Find the ask in messages of the OpenAI or Anthropic form; empty if there is none.

    Args:
        markers: Pairs of tags whose blocks are not the user's words.
    """
    texts = (
        human_text(message.get("content"), markers=markers)
        for message in reversed(messages)
        if message.get("role") == "user"
    )
    return next(filter(None, texts), "")


def ask_of_conversation(messages: Sequence[Message]) -> str:
    """Find the ask in a conversation as ralex holds it; empty if there is none."""
    texts = (
        without_blocks(message.text)
        for message in reversed(messages)
        if isinstance(message, UserMessage)
    )
    return next(filter(None, texts), "")


def human_text(content: object, *, markers: Sequence[tuple[str, str]] = REMINDER_MARKERS) -> str:
    """Read a message's content as what a person wrote.

    Of a list only parts of the type ``text`` count; they are joined by one space.
    """
    if isinstance(content, str):
        return without_blocks(content, markers=markers)
    if isinstance(content, list):
        parts = cast("list[object]", content)
        return without_blocks(" ".join(_texts(parts)), markers=markers)
    return ""


def without_blocks(text: str, *, markers: Sequence[tuple[str, str]] = REMINDER_MARKERS) -> str:
    """Cut every complete block out of a text and strip what stays; the pieces meet in a space.

    A tag that is never closed is no block and stays. Tags match in any case. The scan only moves
    forward, so that a text of a million opening tags takes no longer than any other.
    """
    spans = sorted(span for opening, closing in markers for span in _blocks(text, opening, closing))
    if not spans:
        return text.strip()
    # Blocks of different tags may nest or overlap: a gap begins after the furthest end so far.
    starts = (0, *accumulate((end for _, end in spans), max))
    ends = (*(start for start, _ in spans), len(text))
    pieces = (text[start:end].strip() for start, end in zip(starts, ends, strict=True))
    return " ".join(piece for piece in pieces if piece)


def _blocks(text: str, opening: str, closing: str) -> Iterator[tuple[int, int]]:
    # ASCII case alone: lower() can change the length of a text, and the places must fit the text.
    flags = re.IGNORECASE | re.ASCII
    opens, closes = re.compile(re.escape(opening), flags), re.compile(re.escape(closing), flags)
    start = opens.search(text)
    while start is not None:
        end = closes.search(text, start.end())
        if end is None:
            return
        yield start.start(), end.end()
        start = opens.search(text, end.end())


def _texts(parts: list[object]) -> Iterator[str]:
    for part in parts:
        if not isinstance(part, dict):
            continue
        fields = cast("dict[object, object]", part)
        text = fields.get("text", "")
        if fields.get("type") == "text" and isinstance(text, str):
            yield text
