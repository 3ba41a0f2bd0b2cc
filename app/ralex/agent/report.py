"""What fills the context window, by kind."""

from ralex.agent.history import History
from ralex.agent.sizing import RequestSizer
from ralex.core.messages import AssistantMessage, SystemMessage, ToolResultMessage, UserMessage
from ralex.core.models import ModelInfo
from ralex.core.records import dataclass
from ralex.core.tokens import estimate_tokens

KINDS: tuple[str, ...] = (
    "system",
    "tools",
    "instructions",
    "summary",
    "user",
    "assistant",
    "tool results",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextShare:
    """One kind of content; estimated tokens.

    Attributes:
        kind: One of ``KINDS``.
    """

    kind: str
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextReport:
    """What the next request to a model would hold.

    Attributes:
        shares: In the order of ``KINDS``; kinds that hold nothing are there with 0.
        total_tokens: Their sum, in this model's tokens.
        window: The model's context window, or None if unknown.
        messages: Length of the message list.
    """

    shares: tuple[ContextShare, ...]
    total_tokens: int
    window: int | None
    messages: int


def context_report(history: History, sizer: RequestSizer, model: ModelInfo | None) -> ContextReport:
    """Count the conversation by kind.

    Args:
        model: Whose tokens to count; None counts an average tokenizer's.
    """
    sizer.follow(history.rewrites)
    messages = history.messages
    counts: dict[str, int] = dict.fromkeys(KINDS, 0)
    counts["tools"] = sizer.tools_tokens
    for message, tokens in zip(messages, sizer.sizes(messages), strict=True):
        match message:
            case SystemMessage():
                counts["system"] += tokens
            case UserMessage():
                counts["user"] += tokens
            case AssistantMessage():
                counts["assistant"] += tokens
            case ToolResultMessage():
                counts["tool results"] += tokens
    for kind, text in (("instructions", "".join(history.standing)), ("summary", history.summary)):
        part = min(estimate_tokens(text), counts["user"])
        counts[kind] += part
        counts["user"] -= part
    guessed = sum(counts.values())
    total = sizer.estimate(messages, model) if model is not None else guessed
    scale = total / guessed if guessed else 1.0
    shares = tuple(
        ContextShare(kind=kind, tokens=round(count * scale)) for kind, count in counts.items()
    )
    return ContextReport(
        shares=shares,
        total_tokens=sum(share.tokens for share in shares),
        window=model.context_window if model is not None else None,
        messages=len(messages),
    )
