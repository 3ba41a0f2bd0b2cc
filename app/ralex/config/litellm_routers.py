"""LiteLLM's complexity routers and pattern rules, as routers of ralex."""

import re
from decimal import Decimal
from itertools import pairwise

from ralex.config.litellm_chains import Fallbacks, chain_of, known_name
from ralex.config.litellm_models import ModelList, RouterEntry
from ralex.config.litellm_reading import Item, Table, nearest
from ralex.config.litellm_words import note_rest
from ralex.config.toml_text import KeyPath, TomlTable
from ralex.core.tiers import TIERS, Tier

OWN_NAME = "litellm"
"""The router made for a file that has none."""

_WEIGHTS = (
    "tokenCount",
    "codePresence",
    "reasoningMarkers",
    "technicalTerms",
    "simpleIndicators",
    "multiStepPatterns",
    "questionComplexity",
)
_BOUNDARIES = {"simple_medium": "0.15", "medium_complex": "0.35", "complex_reasoning": "0.60"}
_LISTS = ("code", "reasoning", "technical", "simple")
_BELOW_SIMPLE = "NON_REASONING"
_FLAGS = re.compile(r"\(\?[aiLmsux]+\)")
_OUT_OF_REACH = {"simple_medium": 90, "medium_complex": 95, "complex_reasoning": 99}
"""Scores that no ask gets: what no rule takes stays on the cheapest tier."""


class RouterWriter:
    """Turns routers into tables of config.toml, and notes where each key came from."""

    def __init__(self, models: ModelList, fallbacks: Fallbacks) -> None:
        self._models = models
        self._fallbacks = fallbacks
        self.lines: dict[KeyPath, int] = {}

    def complexity_router(self, entry: RouterEntry) -> TomlTable | None:
        """Write a complexity router; None, with a note, if none of its models can be called."""
        here: KeyPath = ("routers", entry.name)
        self.lines[here] = entry.item.line
        if entry.config is None:
            raise entry.item.error("a complexity router needs a complexity_router_config")
        config = entry.config.table()
        own_tiers = config.take("tier_definitions")
        if own_tiers is not None and not own_tiers.is_empty:
            own_tiers.note(
                f"tiers of one's own need a model that classifies; the router {entry.name!r} is "
                "left out"
            )
            note_rest(config)
            return None
        tiers = self._tiers(entry, config)
        if not tiers:
            entry.item.note(f"no model of the router {entry.name!r} can be called; left out")
            note_rest(config)
            return None
        table: TomlTable = {
            "scorer": "litellm",
            "tiers": {tier.value: list(tiers[tier]) for tier in TIERS if tier in tiers},
        }
        weights = config.take("dimension_weights")
        if weights is not None and not weights.is_empty:
            self.lines[(*here, "weights")] = weights.line
            table["weights"] = _weights(weights)
        boundaries = config.take("tier_boundaries")
        if boundaries is not None and not boundaries.is_empty:
            self.lines[(*here, "boundaries")] = boundaries.line
            table["boundaries"] = _boundaries(boundaries)
        options = self._options(config, (*here, "options"))
        if options:
            table["options"] = options
        kind = config.take("classifier_type")
        if kind is not None and kind.text() != "heuristic":
            kind.note("only LiteLLM's heuristic is known here, and it is what decides")
        note_rest(config)
        return table

    def _tiers(self, entry: RouterEntry, config: Table) -> dict[Tier, tuple[str, ...]]:
        here: KeyPath = ("routers", entry.name, "tiers")
        given = config.need("tiers")
        self.lines[here] = given.line
        chains: dict[Tier, tuple[str, ...]] = {}
        for name, item in given.table().take_all():
            if name == _BELOW_SIMPLE and "enable_non_reasoning_tier" in config:
                item.note("only a model that classifies chooses this tier; left out")
                continue
            if name not in Tier.__members__:
                raise item.error(
                    f"there is no tier {name[:40]!r}{nearest(name, TIERS)}",
                    hint="tiers: " + ", ".join(TIERS),
                )
            self.lines[(*here, name)] = item.line
            chains[Tier(name)] = self._behind(entry, self._tier(item))
        if not chains:
            raise given.error("the router has no tiers")
        own = config.take("default_model")
        if own is not None and entry.default_model is not None:
            own.note("complexity_router_default_model goes before it, as in LiteLLM")
        default = entry.default_model or own
        filling = self._behind(entry, self._chain(default)) if default is not None else ()
        served = {tier: models for tier, models in chains.items() if models}
        if default is not None and filling and served.get(Tier.MEDIUM, filling) != filling:
            default.note("an ask without any text goes to MEDIUM here, not to the default model")
        if not filling and Tier.MEDIUM in served:
            filling = served[Tier.MEDIUM]  # LiteLLM's own last resort
        missing = [tier for tier in TIERS if tier not in served]
        if filling:
            return served | dict.fromkeys(missing, filling)
        if missing and served:
            given.note(
                f"{', '.join(missing)} have no model and there is no default_model: LiteLLM fails "
                "on such asks, ralex takes the next tier up, or else down"
            )
        return served

    def _behind(self, entry: RouterEntry, chain: tuple[str, ...]) -> tuple[str, ...]:
        """Put the fallbacks of the router itself at the end of a tier that has any model."""
        if not chain:
            return chain
        hops = self._fallbacks.by_router.get(entry.name, [])
        rest = (one for hop in hops for one in chain_of(hop.name, self._models, self._fallbacks))
        return tuple(dict.fromkeys((*chain, *rest)))

    def _tier(self, item: Item) -> tuple[str, ...]:
        """Read a name, an object with one, or a list of either."""
        if item.is_empty:
            raise item.error("the tier has no model")
        entries = item.one_or_more()
        if len(entries) > 1:
            item.note("LiteLLM picks one of these at random; here the first, then the others")
        ids: list[str] = []
        for entry in entries:
            table = entry.as_table()
            if table is None:
                ids += self._chain(entry)
                continue
            ids += self._chain(table.take("model_name", "model") or table.need("model_name"))
            params = table.take("litellm_params")
            if params is not None:
                note_rest(params.table())
            note_rest(table)
        return tuple(dict.fromkeys(ids))

    def _chain(self, item: Item) -> tuple[str, ...]:
        name = known_name(item, self._models)
        chain = chain_of(name, self._models, self._fallbacks)
        prefix, _, wire = name.partition("/")
        if not self._models.groups[name] and prefix in self._models.wildcards:
            chain = (f"{self._models.wildcards[prefix]}/{wire}", *chain)
        if not chain:
            item.note(f"no deployment of {name!r} can be called; left out here")
        return chain

    def _options(self, config: Table, here: KeyPath) -> TomlTable:
        options: TomlTable = {}
        keywords: TomlTable = {}
        for name in _LISTS:
            item = config.take(f"{name}_keywords")
            if item is not None and not item.is_empty:
                keywords[name] = item.words()
                self.lines[(*here, "keywords", name)] = item.line
        if keywords:
            options["keywords"] = keywords
        extra = config.take("custom_technical_keywords")
        if extra is not None and not extra.is_empty:
            options["technical_extra"] = extra.words()
            self.lines[(*here, "technical_extra")] = extra.line
        thresholds = config.take("token_thresholds")
        if thresholds is not None and not thresholds.is_empty:
            options["token_thresholds"] = _thresholds(thresholds)
        floor = config.take("reasoning_override_min_score")
        if floor is not None:
            options["reasoning_override_min_score"] = floor.number()
            self.lines[(*here, "reasoning_override_min_score")] = floor.line
        forced = config.take("keyword_tier_rules")
        if forced is not None and not forced.is_empty:
            options["keyword_tiers"] = [_keyword_tier(item) for item in forced.entries()]
            self.lines[(*here, "keyword_tiers")] = forced.line
        if options:
            self.lines[here] = config.item.line
        return options

    def rules(self, given: Item, router: str) -> list[TomlTable]:
        """Write ``routing_rules``, in their order."""
        rules: list[TomlTable] = []
        for item in given.entries():
            rule = self._rule(item)
            if rule is not None:
                here: KeyPath = ("routers", router, "rules", len(rules))
                self.lines[here] = item.line
                rules.append(rule)
        return rules

    def _rule(self, item: Item) -> TomlTable | None:
        table = item.table()
        pattern = table.need("pattern").text()
        chain = self._chain(table.need("model"))
        rule: TomlTable = {"pattern": pattern if _FLAGS.match(pattern) else f"(?i){pattern}"}
        if chain:
            rule["model"] = chain[0]
        cost = table.take("max_cost")
        if cost is not None:
            rule["max_cost_usd"] = cost.amount()
        tokens = table.take("max_tokens")
        if tokens is not None:
            if not tokens.whole():
                raise tokens.error("must be more than 0")
            rule["max_tokens"] = tokens.whole()
        note_rest(table)
        return rule if chain else None

    def router_of_rules(self, given: Item) -> TomlTable | None:
        """Make a router from rules: each model serves a tier, the cheapest takes all other asks."""
        rules = self.rules(given, OWN_NAME)
        used = [
            name
            for item in given.entries()
            if (name := known_name(item.table().need("model"), self._models))
        ]
        names = self._ranked(list(dict.fromkeys([*self._models.groups, *used])))
        names = [name for name in names if name in used or name == names[0]]
        if not names:
            return None
        given.note(
            f"asks that no rule takes go to {names[0]!r}; patterns match upper and lower case"
        )
        self.lines[("routers", OWN_NAME)] = given.line
        table: TomlTable = {"tiers": self._spread(names), "boundaries": dict(_OUT_OF_REACH)}
        if rules:
            table["rules"] = rules
        return table

    def router_of_models(self, given: Item) -> TomlTable | None:
        """Make a router from the models alone, spread over the tiers by price."""
        names = self._ranked(list(self._models.groups))
        if not names:
            return None
        if len(names) > 1:
            given.note(
                "the file has no router; the router 'litellm' is made from its models by price"
            )
        self.lines[("routers", OWN_NAME)] = given.line
        return {"tiers": self._spread(names)}

    def _ranked(self, names: list[str]) -> list[str]:
        """Order names by the price of their first model; as they stand if a price is unknown."""
        callable_ones = [name for name in names if self._models.groups.get(name)]
        prices = {name: self._models.groups[name][0].output_price for name in callable_ones}
        if any(price is None for price in prices.values()):
            return callable_ones
        return sorted(callable_ones, key=lambda name: prices[name] or Decimal(0))

    def _spread(self, names: list[str]) -> TomlTable:
        """Give the cheapest SIMPLE and the dearest the top tier, with the middle between."""
        places = {Tier.SIMPLE: names[0]}
        if len(names) > 1:
            places[Tier.COMPLEX] = names[-1]
        if len(names) > 2:
            places[Tier.MEDIUM] = names[len(names) // 2 if len(names) % 2 else len(names) // 2 - 1]
        if len(names) > 3:
            places[Tier.COMPLEX] = names[-2]
            places[Tier.REASONING] = names[-1]
            places[Tier.MEDIUM] = names[(len(names) - 1) // 2]
        return {
            tier.value: list(chain_of(places[tier], self._models, self._fallbacks))
            for tier in TIERS
            if tier in places
        }


def _weights(given: Item) -> TomlTable:
    weights: TomlTable = {}
    for name, item in given.table().take_all():
        if name in _WEIGHTS:
            weights[name] = item.number()
        else:
            item.note(f"the scorer has no dimension {name[:60]!r}{nearest(name, _WEIGHTS)}")
    # LiteLLM replaces all weights at once, and what is not named counts nothing.
    return weights or {_WEIGHTS[0]: 0}


def _boundaries(given: Item) -> TomlTable:
    own = {name: Decimal(value) for name, value in _BOUNDARIES.items()}
    stated: dict[str, Item] = {}
    for name, item in given.table().take_all():
        if name not in own:
            raise item.error(
                f"there is no boundary {name[:60]!r}{nearest(name, own)}",
                hint="boundaries: " + ", ".join(own),
            )
        own[name] = item.number()
        stated[name] = item
    for (low, below), (high, above) in pairwise(own.items()):
        if below >= above:
            raise (stated.get(high) or stated[low]).error(
                f"boundaries must rise, but {low} is {below} and {high} is {above}",
                hint="one that is not given is LiteLLM's own",
            )
    return {name: own[name] for name in own if name in stated}


def _thresholds(given: Item) -> list[object]:
    table = given.table()
    short, long = table.take("simple", "short"), table.take("complex", "long")
    note_rest(table)
    pair = (15 if short is None else short.whole(), 400 if long is None else long.whole())
    if pair[0] > pair[1]:
        raise given.error(f"thresholds must rise, but they are {pair[0]} and {pair[1]}")
    return list(pair)


def _keyword_tier(item: Item) -> TomlTable:
    table = item.table()
    words = table.need("keywords").texts()
    tier = table.need("tier")
    if tier.text() not in Tier.__members__:
        raise tier.error(
            f"there is no tier {tier.text()[:40]!r}{nearest(tier.text(), TIERS)}",
            hint="tiers: " + ", ".join(TIERS),
        )
    note_rest(table)
    return {"words": list(words), "tier": tier.text()}
