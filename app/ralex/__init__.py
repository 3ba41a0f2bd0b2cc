"""ralex, the cost-conscious coding companion for the terminal, as a library.

``import ralex`` loads nothing but this file; names load what they need when they are first used.
"""

from ralex.version import __version__

TYPE_CHECKING = False  # importing typing would cost more than all the rest of this file

if TYPE_CHECKING:
    from ralex.api import classify, cost, count_tokens, supports
    from ralex.client import Client, Reply, ReplyStream
    from ralex.core.complexity import Complexity
    from ralex.core.stream import ReasoningDelta, TextDelta, ToolCallDelta, UsageReport
    from ralex.core.tiers import Tier
    from ralex.core.usage import Usage
    from ralex.errors import RalexError

_HOMES = {
    "Client": "ralex.client",
    "Reply": "ralex.client",
    "ReplyStream": "ralex.client",
    "classify": "ralex.api",
    "cost": "ralex.api",
    "count_tokens": "ralex.api",
    "supports": "ralex.api",
    "Complexity": "ralex.core.complexity",
    "ReasoningDelta": "ralex.core.stream",
    "TextDelta": "ralex.core.stream",
    "ToolCallDelta": "ralex.core.stream",
    "UsageReport": "ralex.core.stream",
    "Tier": "ralex.core.tiers",
    "Usage": "ralex.core.usage",
    "RalexError": "ralex.errors",
}

__all__ = [
    "Client",
    "Complexity",
    "RalexError",
    "ReasoningDelta",
    "Reply",
    "ReplyStream",
    "TextDelta",
    "Tier",
    "ToolCallDelta",
    "Usage",
    "UsageReport",
    "__version__",
    "classify",
    "cost",
    "count_tokens",
    "supports",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'ralex' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - the point is to load late

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
