"""How hard is this ask? Judged from its text alone; the size of the context is another question.

Every scorer is a plain weighted sum: a ruler measures the ask in a few dimensions, each measure is
multiplied by its weight, and boundaries cut the sum into tiers. The rulers, ``complexity_litellm``
and ``complexity_ralex``, only measure; weighing and deciding are here, so that both explain
themselves alike. All words, weights and boundaries come from ``rules/scorers/``.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple, Protocol

from ralex.core.records import dataclass
from ralex.core.tiers import TIERS, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundaries:
    """Scores at which the next tier begins; equal goes up."""

    simple_medium: float
    medium_complex: float
    complex_reasoning: float

    def tier_of(self, score: float) -> Tier:
        """Cut a score into its tier."""
        if score < self.simple_medium:
            return Tier.SIMPLE
        if score < self.medium_complex:
            return Tier.MEDIUM
        if score < self.complex_reasoning:
            return Tier.COMPLEX
        return Tier.REASONING


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


class Measurement(NamedTuple):
    """What a ruler reads in one dimension.

    A tuple and not a dataclass, because seven are made for every ask.

    Attributes:
        signal: The reading in words, or empty if there is nothing to say.
        markers: How much the reading speaks for the override to REASONING.
    """

    name: str
    raw: float
    matched: tuple[str, ...] = ()
    signal: str = ""
    markers: int = 0


class Ruler(Protocol):
    """Measures an ask in the dimensions of one scorer, always in the same order."""

    def measure(self, ask: str) -> tuple[Measurement, ...]:
        """Read every dimension; the time it takes is linear in the ask."""
        ...


class WordFinder(Protocol):
    """Finds the words of one list in an ask."""

    def found_in(self, ask: str) -> tuple[str, ...]:
        """Return the words that occur, in the order of the list."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerOptions:
    """What a router changes in a scorer besides weights and boundaries; LiteLLM's own terms.

    Attributes:
        keywords: Replacements for whole lists (``code``, ``reasoning``, ``technical``,
            ``simple``); an empty list keeps the scorer's own.
        custom_technical_keywords: Added to the technical list.
        token_thresholds: Below the first an ask is short, above the second it is long.
        reasoning_override_min_score: The score two reasoning words need to force REASONING; None
            means the boundary between SIMPLE and MEDIUM.
        keyword_tiers: Words that force a tier before any scoring; the highest tier wins.
    """

    keywords: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    custom_technical_keywords: tuple[str, ...] = ()
    token_thresholds: tuple[int, int] | None = None
    reasoning_override_min_score: float | None = None
    keyword_tiers: tuple[tuple[tuple[str, ...], Tier], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerData:
    """A scorer, compiled: its ruler and how the readings are weighed.

    Attributes:
        keeps_unnamed_weights: Weights given by a router change only the dimensions they name;
            otherwise they replace all, and a dimension without a weight counts nothing.
        override_markers: How many markers force REASONING.
        override_min_score: The score they need for that; None means ``simple_medium``.
        keyword_tiers: Words that force a tier, each list with its tier.
    """

    name: str
    ruler: Ruler
    weights: Mapping[str, float]
    boundaries: Boundaries
    keeps_unnamed_weights: bool = True
    override_markers: int = 2
    override_min_score: float | None = None
    keyword_tiers: tuple[tuple[WordFinder, Tier], ...] = ()


def score_ask(
    ask: str,
    scorer: ScorerData,
    *,
    weights: Mapping[str, float] | None = None,
    boundaries: Boundaries | None = None,
) -> Complexity:
    """Judge how hard an ask is; the same ask always gets the same answer.

    An ask without any text gets MEDIUM with the cause ``default_fallback``: nothing is known of
    it, as when a message holds only a picture.

    Args:
        ask: The text of the current ask alone, as ``core.ask`` extracts it.
        weights: A router's own weights; None or empty keeps the scorer's.
        boundaries: A router's own boundaries.
    """
    if not ask or ask.isspace():
        return _nothing_known(scorer)
    used = _weights_in_force(scorer, weights)
    limits = boundaries or scorer.boundaries
    score = 0.0
    markers = 0
    dimensions: list[DimensionScore] = []
    signals: list[str] = []
    for reading in scorer.ruler.measure(ask):
        weight = used.get(reading.name, 0.0)
        contribution = reading.raw * weight
        # A plain sum from left to right: at a boundary the last bit decides the tier, and
        # compensated summation would decide some asks otherwise than LiteLLM does.
        score += contribution
        markers += reading.markers
        if reading.signal:
            signals.append(reading.signal)
        dimensions.append(
            DimensionScore(
                name=reading.name,
                raw=reading.raw,
                weight=weight,
                contribution=contribution,
                matched=reading.matched,
            )
        )
    forced = _forced_tier(ask, scorer)
    if forced is not None:
        tier, cause = forced[0], "keyword_rule"
        signals.append(f"keyword ({forced[1]})")
    elif _is_overridden(score, markers, scorer, limits):
        tier, cause = Tier.REASONING, "reasoning_override"
    else:
        tier, cause = limits.tier_of(score), "heuristic_scorer"
    return Complexity(
        tier=tier,
        score=score,
        dimensions=tuple(dimensions),
        signals=tuple(signals),
        cause=cause,
        scorer=scorer.name,
    )


def _nothing_known(scorer: ScorerData) -> Complexity:
    return Complexity(
        tier=Tier.MEDIUM,
        score=0.0,
        dimensions=(),
        signals=(),
        cause="default_fallback",
        scorer=scorer.name,
    )


def _is_overridden(score: float, markers: int, scorer: ScorerData, limits: Boundaries) -> bool:
    """Tell whether enough words ask for reasoning, whatever the sum says."""
    floor = scorer.override_min_score
    return markers >= scorer.override_markers and score >= (
        limits.simple_medium if floor is None else floor
    )


def _weights_in_force(
    scorer: ScorerData, weights: Mapping[str, float] | None
) -> Mapping[str, float]:
    if not weights:
        return scorer.weights
    if scorer.keeps_unnamed_weights:
        return {**scorer.weights, **weights}
    return weights


def _forced_tier(ask: str, scorer: ScorerData) -> tuple[Tier, str] | None:
    best: tuple[Tier, str] | None = None
    for finder, tier in scorer.keyword_tiers:
        if best is not None and TIERS.index(tier) <= TIERS.index(best[0]):
            continue
        found = finder.found_in(ask)
        if found:
            best = tier, found[0]
    return best
