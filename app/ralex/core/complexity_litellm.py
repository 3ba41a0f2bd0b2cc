"""LiteLLM's complexity heuristic, to the last bit, but linear in the ask.

Two things are done differently from a literal reading, with the same result on every text:
keywords are found in one pass (see ``keywords``), and an ordered pair such as "first … then" is
looked up line by line instead of with a lazy quantifier, which is quadratic on a line of repeated
firsts.
"""

import re
from dataclasses import replace

from ralex.core.complexity import Measurement, ScorerData, ScorerOptions
from ralex.core.keywords import KeywordList, words_of
from ralex.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeywordDimension:
    """A dimension that counts keywords.

    Attributes:
        list_name: What LiteLLM's configuration calls its list.
        low_at: Hits from which ``scores[1]`` counts; below it is ``scores[0]``.
        high_at: Hits from which ``scores[2]`` counts.
        is_marker: Its hits count towards the override to REASONING.
    """

    name: str
    list_name: str
    signal: str
    keywords: KeywordList
    low_at: int
    high_at: int
    scores: tuple[float, float, float]
    is_marker: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiStep:
    """The dimension that looks for steps.

    Attributes:
        patterns: Searched in the ask in lower case.
        ordered: Pairs of words of which the second follows the first on the same line.
    """

    name: str
    signal: str
    patterns: tuple[re.Pattern[str], ...]
    ordered: tuple[tuple[str, str], ...]
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LitellmRuler:
    """Measures as LiteLLM's heuristic does.

    Attributes:
        token_chars: Characters (code points) for one estimated token.
        short_below: Asks under this many tokens score ``length_scores[0]``.
        long_above: Asks over this many tokens score ``length_scores[2]``.
        questions_above: More question marks than this score ``questions_score``.
    """

    length_name: str
    token_chars: int
    short_below: int
    long_above: int
    length_scores: tuple[float, float, float]
    keyword_dimensions: tuple[KeywordDimension, ...]
    multi_step: MultiStep
    questions_name: str
    questions_above: int
    questions_score: float

    def measure(self, ask: str) -> tuple[Measurement, ...]:
        """Read the seven dimensions in the order in which LiteLLM adds them."""
        low = ask.lower()
        words = words_of(low)
        readings = [self._length(ask)]
        for dimension in self.keyword_dimensions:
            found = dimension.keywords.found(low, words)
            hits = len(found)
            level = 0 if hits < dimension.low_at else 1 if hits < dimension.high_at else 2
            readings.append(
                Measurement(
                    dimension.name,
                    dimension.scores[level],
                    found,
                    f"{dimension.signal} ({', '.join(found[:3])})" if level else "",
                    hits if dimension.is_marker else 0,
                )
            )
        readings.append(self._steps(low))
        readings.append(self._questions(ask))
        return tuple(readings)

    def _length(self, ask: str) -> Measurement:
        tokens = len(ask) // self.token_chars
        low, middle, high = self.length_scores
        if tokens < self.short_below:
            return Measurement(self.length_name, low, (), f"short ({tokens} tokens)")
        if tokens > self.long_above:
            return Measurement(self.length_name, high, (), f"long ({tokens} tokens)")
        return Measurement(self.length_name, middle)

    def _steps(self, low: str) -> Measurement:
        rule = self.multi_step
        if any(pattern.search(low) for pattern in rule.patterns) or _has_ordered(low, rule.ordered):
            return Measurement(rule.name, rule.score, (), rule.signal)
        return Measurement(rule.name, 0.0)

    def _questions(self, ask: str) -> Measurement:
        count = ask.count("?")
        if count > self.questions_above:
            return Measurement(self.questions_name, self.questions_score, (), f"{count} questions")
        return Measurement(self.questions_name, 0.0)


def with_options(scorer: ScorerData, options: ScorerOptions) -> ScorerData:
    """Apply a router's own lists and thresholds to a scorer.

    The lists of words and the length thresholds are those of LiteLLM's heuristic and leave another
    ruler as it is; words that force a tier and the override's floor work with any.
    """
    ruler = scorer.ruler
    if isinstance(ruler, LitellmRuler):
        short, long = options.token_thresholds or (ruler.short_below, ruler.long_above)
        ruler = replace(
            ruler,
            short_below=short,
            long_above=long,
            keyword_dimensions=tuple(
                replace(dimension, keywords=_own_list(dimension, options))
                for dimension in ruler.keyword_dimensions
            ),
        )
    floor = options.reasoning_override_min_score
    return replace(
        scorer,
        ruler=ruler,
        override_min_score=scorer.override_min_score if floor is None else floor,
        keyword_tiers=tuple(
            (KeywordList.compile(words), tier) for words, tier in options.keyword_tiers
        ),
    )


def _own_list(dimension: KeywordDimension, options: ScorerOptions) -> KeywordList:
    own = options.keywords.get(dimension.list_name) or dimension.keywords.keywords
    if dimension.list_name == "technical" and options.custom_technical_keywords:
        known = {keyword.lower() for keyword in own}
        # Of two spellings of one addition the later one is shown, at the place of the first.
        added = {
            keyword.lower(): keyword
            for keyword in options.custom_technical_keywords
            if keyword.lower() not in known
        }
        own = (*own, *added.values())
    elif own is dimension.keywords.keywords:
        return dimension.keywords
    return KeywordList.compile(own)


def _has_ordered(low: str, pairs: tuple[tuple[str, str], ...]) -> bool:
    if not low.isascii():
        # What Python's IGNORECASE takes for an s or an i although lower() leaves it alone.
        low = low.replace("\u017f", "s").replace("\u0131", "i")
    for earlier, later in pairs:
        at = low.find(earlier)
        while at >= 0:
            end = low.find("\n", at)
            end = len(low) if end < 0 else end
            if low.find(later, at + len(earlier), end) >= 0:
                return True
            at = low.find(earlier, end)
    return False
