"""Routers of the user's own: tiers, weights, boundaries and rules, checked while they are read."""

import re
import warnings
from collections.abc import Callable
from itertools import pairwise

from ralex.config.draft import ModelFinder
from ralex.config.patterns import text_pattern
from ralex.config.schema import BoundariesSection, OptionsSection, RouterSection, RuleSection
from ralex.config.toml_text import KeyPath, TomlFile
from ralex.core.complexity import ScorerOptions
from ralex.core.ids import ModelId
from ralex.core.linear_pattern import UnboundedPatternError
from ralex.core.routes import TextPattern
from ralex.core.routing import Boundaries, Router, Rule
from ralex.core.tiers import TIERS, Tier
from ralex.errors import UnknownModelError


def plan_router(
    file: TomlFile, name: str, section: RouterSection
) -> Callable[[ModelFinder], Router]:
    """Check what can be checked now and return what builds the router once models are known.

    Raises:
        ConfigError: For a bad pattern, boundaries that do not rise, or no tiers at all; the
            function returned raises it for a model that does not exist.
    """
    here: KeyPath = ("routers", name)
    if not section.tiers.fields_given:
        raise file.error((*here, "tiers"), f"the router '{name}' has no tiers")
    boundaries = _boundaries(file, here, section)
    options = None if section.options is None else _options(file, here, section.options)
    patterns = [
        _pattern(file, (*here, "rules", index), rule) for index, rule in enumerate(section.rules)
    ]
    weights = {
        key: float(weight) for key, weight in section.weights.values_given(by_key=True).items()
    }

    def build(find: ModelFinder) -> Router:
        chains = section.tiers.values_given(by_key=True)
        return Router(
            name=name,
            scorer=section.scorer,
            tiers={
                tier: tuple(
                    _model(file, (*here, "tiers", tier.value, index), model, find)
                    for index, model in enumerate(chains[tier.value])
                )
                for tier in TIERS
                if tier.value in chains
            },
            weights=weights,
            boundaries=boundaries,
            rules=tuple(
                _rule(file, (*here, "rules", index), rule, pattern, find)
                for index, (rule, pattern) in enumerate(zip(section.rules, patterns, strict=True))
            ),
            source=str(file.path),
            scorer_options=options,
        )

    return build


def _model(file: TomlFile, place: KeyPath, name: str, find: ModelFinder) -> ModelId:
    try:
        return find(name).id
    except UnknownModelError as error:
        where = f"{file.place(place)}: {_key(place)}"
        raise UnknownModelError(f"{where}: {error.message}", hint=error.hint) from error


def _key(place: KeyPath) -> str:
    """Write a place as ``routers.mine.tiers.SIMPLE``; which one of a list its name tells."""
    return ".".join(str(part) for part in place if not isinstance(part, int))


def _boundaries(file: TomlFile, here: KeyPath, section: RouterSection) -> Boundaries | None:
    given = section.boundaries
    if given is None or not given.fields_given:
        return None
    whole = _fill(given, section.scorer)
    place: KeyPath = (*here, "boundaries")
    names = ("simple_medium", "medium_complex", "complex_reasoning")
    values = [(name, getattr(whole, name)) for name in names]
    for (low_name, low), (high_name, high) in pairwise(values):
        if low >= high:
            raise file.error(
                place,
                f"{_key(place)} must rise, but {low_name} is {low:g} and {high_name} is {high:g}",
                hint="one that is not given is the scorer's own",
            )
    return whole


def _fill(given: BoundariesSection, scorer: str) -> Boundaries:
    from ralex.config.scorers import load_scorer  # noqa: PLC0415 - rarely needed

    own = load_scorer(scorer).boundaries
    return Boundaries(
        simple_medium=_first(given.simple_medium, own.simple_medium),
        medium_complex=_first(given.medium_complex, own.medium_complex),
        complex_reasoning=_first(given.complex_reasoning, own.complex_reasoning),
    )


def _options(file: TomlFile, here: KeyPath, section: OptionsSection) -> ScorerOptions:
    thresholds = section.token_thresholds
    if thresholds is not None and thresholds[0] > thresholds[1]:
        raise file.error(
            (*here, "options", "token_thresholds"),
            f"{_key(here)}.options.token_thresholds must rise, but they are "
            f"{thresholds[0]} and {thresholds[1]}",
        )
    lists = section.keywords.values_given()
    return ScorerOptions(
        keywords={name: tuple(words) for name, words in lists.items()},
        custom_technical_keywords=tuple(section.technical_extra),
        token_thresholds=None if thresholds is None else (thresholds[0], thresholds[1]),
        reasoning_override_min_score=section.reasoning_override_min_score,
        keyword_tiers=tuple(
            (tuple(entry.words), Tier(entry.tier)) for entry in section.keyword_tiers
        ),
    )


def _first(given: float | None, own: float) -> float:
    return own if given is None else given


def _rule(
    file: TomlFile, place: KeyPath, rule: RuleSection, pattern: TextPattern, find: ModelFinder
) -> Rule:
    return Rule(
        pattern=pattern,
        tier=None if rule.tier is None else Tier(rule.tier),
        model=None if rule.model is None else _model(file, (*place, "model"), rule.model, find),
        max_cost_usd=rule.max_cost_usd,
        max_tokens=rule.max_tokens,
    )


def _pattern(file: TomlFile, place: KeyPath, rule: RuleSection) -> TextPattern:
    name = f"rule {int(place[-1]) + 1} of '{place[1]}'"
    if rule.tier is None and rule.model is None:
        raise file.error(place, f"{name} has neither a tier nor a model")
    where: KeyPath = (*place, "pattern")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # future meanings of odd sets are no fault of today's
            return text_pattern(rule.pattern)
    except re.error as error:
        position = "" if error.pos is None else f" at character {error.pos + 1}"
        raise file.error(
            where, f"the pattern of {name} is not a regular expression: {error.msg}{position}"
        ) from error
    except (OverflowError, RecursionError) as error:
        raise file.error(where, f"the pattern of {name} is too large") from error
    except UnboundedPatternError as error:
        raise file.error(
            where,
            f"the pattern of {name} uses {error}; with it, some texts would take for ever",
            hint="plain repeats, alternatives and look-around are safe here; write it with those",
        ) from error
