"""One line of ``ralex route --jsonl``, checked by hand: a fault belongs to its line alone.

Which scorer judges a line: the one it names; else ``litellm``, if its weights name all seven
dimensions, because whoever weighs them all describes LiteLLM's sum; else that of its router.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import TypeGuard, cast

from ralex.core.ask import ask_of, human_text
from ralex.core.complexity import Boundaries
from ralex.core.records import dataclass
from ralex.core.tiers import TIERS, Tier
from ralex.core.tokens import estimate_tokens

DIMENSIONS = frozenset(
    {
        "tokenCount",
        "codePresence",
        "reasoningMarkers",
        "technicalTerms",
        "simpleIndicators",
        "multiStepPatterns",
        "questionComplexity",
    }
)
MOST_TOKENS = 1_000_000_000
_SILENT = frozenset({"role", "type", "id", "tool_use_id", "tool_call_id", "image_url", "source"})
"""Keys of messages and their parts that hold no text: names, and pictures."""
_BOUNDARIES = ("simple_medium", "medium_complex", "complex_reasoning")


class LineError(Exception):
    """A line cannot be used.

    Attributes:
        line_id: The line's own id, if it could be read.
    """

    def __init__(self, message: str, line_id: object = None) -> None:
        super().__init__(message)
        self.line_id = line_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteQuery:
    """One ask and what is known beside it.

    Attributes:
        scorer: Empty for that of the router.
        weights: Empty for the scorer's own.
        boundaries: The boundaries that were given; others are the scorer's own.
        context_tokens: Size of the conversation besides this ask.
    """

    ask: str
    id: object = None
    system: str = ""
    router: str = ""
    scorer: str = ""
    weights: Mapping[str, float] = field(default_factory=dict[str, float])
    boundaries: Mapping[str, float] = field(default_factory=dict[str, float])
    previous_tier: Tier | None = None
    context_tokens: int = 0

    def boundaries_over(self, own: Boundaries) -> Boundaries:
        """Fill what was not given from a scorer's or router's own."""
        return replace(own, **self.boundaries) if self.boundaries else own


def query_of_line(line: str, defaults: RouteQuery) -> RouteQuery:
    """Read a line.

    Args:
        defaults: What the command line said, for keys the line does not have.

    Raises:
        LineError: With what is wrong, and the line's id if it has one.
    """
    try:
        parsed: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LineError(f"not JSON: {error}") from error
    if not _is_object(parsed):
        raise LineError("the line must be a JSON object")
    line_id = parsed.get("id")
    try:
        return _query(parsed, defaults)
    except LineError as error:
        raise LineError(str(error), line_id) from error


def _query(fields: Mapping[str, object], defaults: RouteQuery) -> RouteQuery:
    weights = _numbers(fields, "weights", DIMENSIONS)
    scorer = _text(fields, "scorer", "")
    if not scorer and weights.keys() >= DIMENSIONS:
        scorer = "litellm"
    ask = _ask(fields)
    return RouteQuery(
        ask=ask,
        id=fields.get("id"),
        system=_text(fields, "system", defaults.system),
        router=_text(fields, "router", defaults.router),
        scorer=scorer,
        weights=weights,
        boundaries=_boundaries(fields),
        previous_tier=_previous_tier(fields, defaults),
        context_tokens=_context_tokens(fields, ask, defaults),
    )


def _ask(fields: Mapping[str, object]) -> str:
    user, messages = fields.get("user"), fields.get("messages")
    if user is not None and messages is not None:
        raise LineError("user and messages exclude each other")
    if user is not None:
        if not isinstance(user, str | list):
            raise LineError("user must be a string or a list of content parts")
        return human_text(cast("object", user))
    if not isinstance(messages, list):
        raise LineError("give user, or messages as a list")
    entries = cast("list[object]", messages)
    for place, entry in enumerate(entries):
        if not _is_object(entry):
            raise LineError(f"messages[{place}] must be an object")
    return ask_of(cast("list[dict[str, object]]", entries))


def _context_tokens(fields: Mapping[str, object], ask: str, defaults: RouteQuery) -> int:
    """Read the size of the conversation; unless it is given, messages tell it themselves."""
    tokens = fields.get("context_tokens")
    if tokens is None:
        messages = fields.get("messages")
        if messages is None or defaults.context_tokens:
            return defaults.context_tokens
        every = sum(map(estimate_tokens, _texts(messages)))
        return max(0, every - estimate_tokens(ask))
    if not isinstance(tokens, int) or isinstance(tokens, bool) or not 0 <= tokens <= MOST_TOKENS:
        raise LineError(f"context_tokens must be a whole number from 0 to {MOST_TOKENS}")
    return tokens


def _texts(messages: object) -> Iterator[str]:
    """Walk through what messages say: texts, reasoning, calls of tools and their results."""
    todo = [messages]
    while todo:
        value = todo.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            todo += cast("list[object]", value)
        elif _is_object(value):
            todo += [one for key, one in value.items() if key not in _SILENT]


def _boundaries(fields: Mapping[str, object]) -> Mapping[str, float]:
    """Read boundaries by name, or as a list of all three in ascending order."""
    listed = fields.get("boundaries")
    if isinstance(listed, list):
        if len(cast("list[object]", listed)) != len(_BOUNDARIES):
            raise LineError(f"boundaries must be {len(_BOUNDARIES)} numbers")
        fields = {"boundaries": dict(zip(_BOUNDARIES, cast("list[object]", listed), strict=True))}
    given = _numbers(fields, "boundaries", frozenset(_BOUNDARIES))
    values = [given[name] for name in _BOUNDARIES if name in given]
    if values != sorted(values):
        raise LineError("boundaries must not descend")
    return given


def _previous_tier(fields: Mapping[str, object], defaults: RouteQuery) -> Tier | None:
    value = fields.get("previous_tier")
    if value is None:
        return defaults.previous_tier
    if not isinstance(value, str) or value.upper() not in TIERS:
        raise LineError(f"previous_tier must be one of {', '.join(TIERS)}")
    return Tier(value.upper())


def _text(fields: Mapping[str, object], key: str, default: str) -> str:
    value = fields.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise LineError(f"{key} must be a string")
    return value


def _numbers(fields: Mapping[str, object], key: str, names: frozenset[str]) -> dict[str, float]:
    value = fields.get(key)
    if value is None:
        return {}
    if not _is_object(value):
        raise LineError(f"{key} must be an object")
    numbers: dict[str, float] = {}
    for name, number in value.items():
        if name not in names:
            raise LineError(f"{key} has no {name!r}; known are {', '.join(sorted(names))}")
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise LineError(f"{key}.{name} must be a number")
        numbers[name] = _finite(key, name, number)
    return numbers


def _finite(key: str, name: str, number: float) -> float:
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise LineError(f"{key}.{name} must be finite")
    return value


def _is_object(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)
