"""How hard is this ask? Judged from its text alone; the size of the context is another question."""

from dataclasses import dataclass

from ralex.core.tiers import Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionScore:
    """One term of the sum.

    Attributes:
        raw: The dimension's own score, before its weight.
        contribution: ``raw * weight``.
        matched: The words that were found, if the dimension looks for words.
    """

    name: str
    raw: float
    weight: float
    contribution: float
    matched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Complexity:
    """A judgement of one ask.

    Attributes:
        score: The sum of the dimensions; neither clamped nor rounded.
        signals: What spoke, in words.
        cause: ``heuristic_scorer``, ``reasoning_override``, ``keyword_rule`` or
            ``default_fallback``.
        scorer: ``ralex`` or ``litellm``.
    """

    tier: Tier
    score: float
    dimensions: tuple[DimensionScore, ...]
    signals: tuple[str, ...]
    cause: str
    scorer: str
