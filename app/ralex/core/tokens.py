"""Estimate tokens from text, without a tokenizer's tables.

The text is cut into pieces (``token_pieces``), and each kind of piece has a weight. The weights
were fitted by least squares against o200k_base on half of 900 files (source code, Markdown, JSON,
TOML, HTML and message catalogues of 20 languages); on the other half the error is 3.5 % in the
median and 9 % at the 90th percentile for ASCII files, 9 % and 28 % for the others. What a provider
reports replaces every estimate as soon as there is a reply.
"""

from collections.abc import Sequence

from ralex.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolResultMessage,
    ToolSpec,
    UserMessage,
)
from ralex.core.pictures import images_of, picture_tokens
from ralex.core.token_pieces import count_pieces

_PER_PIECE = (0.0, 0.93, 1.57, 1.13, 0.66, 1.90, 0.59, 0.0, 0.60, 0.0, 0.0, 0.0, 0.0)
"""Tokens for each piece, by kind."""

_PER_CHAR = (0.0, 0.18, 0.0, 0.0, 0.0, 0.0, 0.33, 0.80, 0.20, 0.45, 0.86, 0.80, 0.45)
"""Tokens for each character beyond ``FREE_CHARS``, by kind."""

_SAMPLED_FROM_CHARS = 16_000
_SAMPLES = 16
_SAMPLE_CHARS = 500

MESSAGE_TOKENS = 4
"""Role and separators of one message in the chat templates of OpenAI's models."""

_TOOLS_TOKENS = 24
_TOOL_TOKENS = 6
"""What tool definitions cost beyond their text, in o200k tokens: a published fit for GPT-5."""

_FACTORS: tuple[tuple[str, float], ...] = (
    ("claude-opus-4-7", 1.45),
    ("claude-opus-4.7", 1.45),
    ("claude-opus-4-8", 1.45),
    ("claude-opus-4.8", 1.45),
    ("claude", 1.18),
    ("gemini", 1.08),
    ("minimax", 1.15),
)
"""Tokens of a family for one token of o200k_base; the first part found in the name counts.

Start values: Anthropic states 1.0 to 1.35 for its newest tokenizer and independent counts reach
1.46; the others are published comparisons (2026). Families not named are within 8 % of 1.
"""


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text for an o200k_base tokenizer; linear in the text."""
    counts, chars = count_pieces(text)
    total = 0.0
    for kind, weight in enumerate(_PER_PIECE):
        total += counts[kind] * weight + chars[kind] * _PER_CHAR[kind]
    return round(total)


def estimate_long_text(text: str) -> int:
    """Estimate the tokens of a text that may be huge, from evenly spread parts of it.

    Up to 16,000 characters this is ``estimate_tokens``; beyond, the time no longer grows.
    """
    if len(text) <= _SAMPLED_FROM_CHARS:
        return estimate_tokens(text)
    stride = (len(text) - _SAMPLE_CHARS) // (_SAMPLES - 1)
    parts = [text[place * stride : place * stride + _SAMPLE_CHARS] for place in range(_SAMPLES)]
    counted = sum(map(estimate_tokens, parts))
    return counted * len(text) // (_SAMPLES * _SAMPLE_CHARS)


def estimate_message_tokens(message: Message) -> int:
    """Estimate the tokens of one message, its role and tool calls included."""
    match message:
        case UserMessage() | SystemMessage() | ToolResultMessage():
            pictures = sum(map(picture_tokens, images_of(message)))
            return MESSAGE_TOKENS + estimate_tokens(message.text) + pictures
        case AssistantMessage():
            calls = sum(
                MESSAGE_TOKENS + estimate_tokens(call.name) + estimate_tokens(call.arguments_json)
                for call in message.tool_calls
            )
            said = estimate_tokens(message.text) + estimate_tokens(message.reasoning)
            return MESSAGE_TOKENS + said + calls


def estimate_request_tokens(messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> int:
    """Estimate the input of a whole request in o200k tokens; ``factor_for`` makes it a model's."""
    total = sum(estimate_message_tokens(message) for message in messages)
    if tools:
        total += _TOOLS_TOKENS + sum(
            _TOOL_TOKENS
            + estimate_tokens(tool.name)
            + estimate_tokens(tool.description)
            + estimate_tokens(tool.schema_json)
            for tool in tools
        )
    return total


def factor_for(provider: str, model_name: str) -> float:
    """Give a model's tokens for one token of o200k_base, before its provider has reported any."""
    name = f"{provider}/{model_name}".lower()
    return next((factor for part, factor in _FACTORS if part in name), 1.0)


def max_tokens_bound(text: str) -> int:
    """Bound a text's tokens from above: a token of a byte-level encoding is at least a byte."""
    return len(text) if text.isascii() else len(text.encode("utf-8", errors="surrogatepass"))
