"""Pictures in a conversation: what they cost in tokens, and leaving them out for who cannot see."""

from collections.abc import Sequence
from dataclasses import replace

from ralex.core.messages import Image, Message, ToolResultMessage, UserMessage

USUAL_TOKENS = 1_600
"""Anthropic bills at most about 1,600 tokens for a picture, OpenAI's models up to 1,445 at high
detail (documentation of 2026); counted where the size is not known."""

BOUND_TOKENS = 3_000
"""Providers bill a picture between some 85 and 2,900 tokens by size (documentation of 2026)."""

_LEAST_TOKENS = 85
_PIXELS_PER_TOKEN = 750
_TILE = 768
_TILE_TOKENS = 258
"""Gemini counts tiles (documentation of 2026)."""

UNSEEN = "[A picture stood here; this model does not see pictures.]"
LEFT_OUT = "[A picture stood here; it was left out to save room.]"


def picture_tokens(image: Image) -> int:
    """Estimate what a picture costs."""
    if not image.width or not image.height:
        return USUAL_TOKENS
    tokens = image.width * image.height // _PIXELS_PER_TOKEN
    return min(max(tokens, _LEAST_TOKENS), USUAL_TOKENS)


def picture_bound(image: Image) -> int:
    """Bound what a picture costs from above."""
    tiles = -(-image.width // _TILE) * -(-image.height // _TILE)
    return max(BOUND_TOKENS, tiles * _TILE_TOKENS)


def images_of(message: Message) -> tuple[Image, ...]:
    """Give the pictures of a message."""
    return message.images if isinstance(message, UserMessage | ToolResultMessage) else ()


def without_pictures(message: Message, note: str = UNSEEN) -> Message:
    """Put a line in the place of each picture; a message without any is given back as it is."""
    if not isinstance(message, UserMessage | ToolResultMessage) or not message.images:
        return message
    lines = [message.text, *(note for _ in message.images)]
    return replace(message, text="\n".join(line for line in lines if line), images=())


def unseen(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Write a conversation for a model that does not see."""
    return tuple(without_pictures(message) for message in messages)
