"""What a configuration file may hold, and its faults in plain words.

Imported only when a file exists. Every message names file, line and key; values are not repeated,
because one of them may be a key.
"""

from typing import Annotated, Literal

from ralex.config.sections import Bounds, FieldError, Key, Section
from ralex.config.toml_text import KeyPath, TomlFile, TomlTable
from ralex.config.values import (
    ApiName,
    Chain,
    Count,
    EffectName,
    Keys,
    Lifetime,
    Limit,
    Minutes,
    ModeName,
    Name,
    Real,
    Seconds,
    TierName,
    Tokens,
    Usd,
    Weight,
    Words,
)
from ralex.errors import ConfigError


class BudgetSection(Section):
    """``[budget]``; a limit of None was switched off, one that is not set is not in the fields."""

    daily_usd: Limit = None
    alert_usd: Limit = None
    session_usd: Limit = None
    project_usd: Limit = None
    monthly_usd: Limit = None
    cutoff: bool = True


class TimeoutsSection(Section):
    """``[timeouts]``, in seconds."""

    connect_s: Seconds | None = None
    first_byte_s: Seconds | None = None
    idle_s: Seconds | None = None


class RetriesSection(Section):
    """``[retries]``; what is missing is ralex's own."""

    count: Annotated[int, Bounds(ge=0, le=20)] | None = None
    cooldown_s: Seconds | None = None
    limit_wait_s: Seconds | None = None


class CacheSection(Section):
    """``[cache]``; what is missing is ralex's own."""

    enabled: bool | None = None
    agent: bool | None = None
    ttl_s: Lifetime | None = None
    max_mb: Annotated[int, Bounds(gt=0, le=100_000)] | None = None


class FallbacksSection(Section):
    """``[fallbacks]``: for each kind of failure what follows a model."""

    general: dict[Name, Chain] = {}
    context_window: dict[Name, Chain] = {}
    content_policy: dict[Name, Chain] = {}


class LogSection(Section):
    """``[log]``; what is missing is ralex's own."""

    events: bool | None = None
    otel: bool | None = None


class NotifySection(Section):
    """``[notify]``; what is missing is ralex's own."""

    by: Literal["bell", "osc9", "osc777", "off"] | None = None
    after_s: Seconds | None = None
    focused: bool | None = None


class WebFetchSection(Section):
    """``[web_fetch]``; what is missing is ralex's own."""

    allow_private: bool | None = None


class ProviderSection(Section):
    """``[providers.NAME]``."""

    api: ApiName | None = None
    base_url: Annotated[str, Bounds(min_length=1, max_length=2000)] | None = None
    api_key: Annotated[str, Bounds(max_length=10_000)] | None = None
    needs_key: bool | None = None
    headers: dict[str, str] = {}


class RatesSection(Section):
    """Rates in USD per million tokens."""

    input: Usd
    output: Usd
    cache_read: Usd | None = None
    cache_write: Usd | None = None
    cache_write_1h: Usd | None = None


class LongSection(RatesSection):
    """One of ``price.long``: the rates of a request whose input passes a size, in tokens."""

    above_input_tokens: Tokens


class PriceSection(RatesSection):
    """``price``, in USD per million tokens."""

    long: Annotated[list[LongSection], Bounds(max_length=10)] = []


class ModelSection(Section):
    """``[models."provider/name"]``."""

    name: Name | None = None
    label: Name | None = None
    like: Name | None = None
    api: ApiName | None = None
    price: PriceSection | None = None
    context_window: Tokens | None = None
    max_output_tokens: Tokens | None = None
    tools: bool | None = None
    vision: bool | None = None
    reasoning: bool | None = None
    response_schema: bool | None = None
    prompt_caching: bool | None = None
    temperature: bool | None = None
    reasoning_field: Annotated[str, Bounds(max_length=100)] | None = None
    weight: Weight | None = None
    rpm: Tokens | None = None
    tpm: Tokens | None = None


class TiersSection(Section):
    """``tiers``: a model, or a list of them to fall back along."""

    simple: Annotated[Chain | None, Key("SIMPLE")] = None
    medium: Annotated[Chain | None, Key("MEDIUM")] = None
    complex: Annotated[Chain | None, Key("COMPLEX")] = None
    reasoning: Annotated[Chain | None, Key("REASONING")] = None


class WeightsSection(Section):
    """``weights``, by the names that the scorers give their dimensions."""

    token_count: Annotated[Real | None, Key("tokenCount")] = None
    code_presence: Annotated[Real | None, Key("codePresence")] = None
    reasoning_markers: Annotated[Real | None, Key("reasoningMarkers")] = None
    technical_terms: Annotated[Real | None, Key("technicalTerms")] = None
    simple_indicators: Annotated[Real | None, Key("simpleIndicators")] = None
    multi_step_patterns: Annotated[Real | None, Key("multiStepPatterns")] = None
    question_complexity: Annotated[Real | None, Key("questionComplexity")] = None


class BoundariesSection(Section):
    """``boundaries``; one that is missing is the scorer's own."""

    simple_medium: Real | None = None
    medium_complex: Real | None = None
    complex_reasoning: Real | None = None


class RuleSection(Section):
    """One of ``[[routers.NAME.rules]]``."""

    pattern: Annotated[str, Bounds(min_length=1, max_length=2000)]
    tier: TierName | None = None
    model: Name | None = None
    max_cost_usd: Usd | None = None
    max_tokens: Tokens | None = None


class KeywordsSection(Section):
    """``keywords`` of a router's options: whole lists that replace the scorer's own."""

    code: Words | None = None
    reasoning: Words | None = None
    technical: Words | None = None
    simple: Words | None = None


class KeywordTierSection(Section):
    """One of ``keyword_tiers``: words that force a tier."""

    words: Words
    tier: TierName


class OptionsSection(Section):
    """``[routers.NAME.options]``: what else the scorer ``litellm`` can be told."""

    keywords: KeywordsSection = KeywordsSection()
    technical_extra: Words = []
    token_thresholds: Annotated[list[Count], Bounds(min_length=2, max_length=2)] | None = None
    reasoning_override_min_score: Real | None = None
    keyword_tiers: Annotated[list[KeywordTierSection], Bounds(max_length=100)] = []


class RouterSection(Section):
    """``[routers.NAME]``."""

    scorer: Literal["ralex", "litellm"] = "ralex"
    tiers: TiersSection
    weights: WeightsSection = WeightsSection()
    boundaries: BoundariesSection | None = None
    rules: Annotated[list[RuleSection], Bounds(max_length=1000)] = []
    options: OptionsSection | None = None


class FileSection(Section):
    """The whole file."""

    router: Name | None = None
    model: Name | None = None
    mode: ModeName | None = None
    theme: Annotated[str, Bounds(min_length=1, max_length=100)] | None = None
    max_steps: Annotated[int, Bounds(gt=0, le=100_000)] | None = None
    escalation: Literal["on", "off"] | None = None
    new_task_after_minutes: Minutes | None = None
    titles: Literal["model", "first-line"] | None = None
    budget: BudgetSection = BudgetSection()
    timeouts: TimeoutsSection = TimeoutsSection()
    retries: RetriesSection = RetriesSection()
    cache: CacheSection = CacheSection()
    log: LogSection = LogSection()
    web_fetch: WebFetchSection = WebFetchSection()
    permissions: dict[Name, EffectName] = {}
    notify: NotifySection = NotifySection()
    keys: dict[Name, Keys] = {}
    aliases: dict[Name, Chain] = {}
    deployments: dict[Name, Chain] = {}
    fallbacks: FallbacksSection = FallbacksSection()
    providers: dict[Name, ProviderSection] = {}
    models: dict[Name, ModelSection] = {}
    routers: dict[Name, RouterSection] = {}


_SECTIONS: tuple[tuple[tuple[str, ...], type[Section]], ...] = (
    ((), FileSection),
    (("budget",), BudgetSection),
    (("timeouts",), TimeoutsSection),
    (("retries",), RetriesSection),
    (("cache",), CacheSection),
    (("fallbacks",), FallbacksSection),
    (("notify",), NotifySection),
    (("log",), LogSection),
    (("web_fetch",), WebFetchSection),
    (("providers", "*"), ProviderSection),
    (("models", "*"), ModelSection),
    (("models", "*", "price"), PriceSection),
    (("models", "*", "price", "long", "*"), LongSection),
    (("routers", "*"), RouterSection),
    (("routers", "*", "tiers"), TiersSection),
    (("routers", "*", "weights"), WeightsSection),
    (("routers", "*", "boundaries"), BoundariesSection),
    (("routers", "*", "rules", "*"), RuleSection),
    (("routers", "*", "options"), OptionsSection),
    (("routers", "*", "options", "keywords"), KeywordsSection),
    (("routers", "*", "options", "keyword_tiers", "*"), KeywordTierSection),
)


def check_table(file: TomlFile, table: TomlTable | None = None) -> FileSection:
    """Check a file, or the part of it that counts.

    Raises:
        ConfigError: For the first fault, with file, line, key and the nearest known key.
    """
    try:
        return FileSection.checked(file.table if table is None else table)
    except FieldError as error:
        fault = error
    # Outside the except block, so that no traceback carries the values that were checked.
    raise _explain(file, fault)


def known_keys(key_path: KeyPath) -> tuple[str, ...]:
    """List the keys that a table at this place may have; empty if they are the user's own."""
    for pattern, section in _SECTIONS:
        if len(pattern) == len(key_path) and all(
            want in ("*", have) for want, have in zip(pattern, key_path, strict=True)
        ):
            return section.known_keys()
    return ()


def nearest(name: str, choices: tuple[str, ...]) -> str:
    """Ask whether one of the choices was meant; empty if none is near."""
    import difflib  # noqa: PLC0415 - only for a message

    folded = {choice.casefold(): choice for choice in choices}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean '{folded[near[0]]}'?" if near else ""


def table_name(key_path: KeyPath) -> str:
    """Write a place as TOML would: ``[routers.mine]``."""
    parts = [f"#{part + 1}" if isinstance(part, int) else _quoted(part) for part in key_path]
    return "[" + ".".join(parts).replace(".#", " #") + "]"


def _explain(file: TomlFile, fault: FieldError) -> ConfigError:
    key_path: KeyPath = fault.place
    around, last = key_path[:-1], key_path[-1] if key_path else ""
    name = f"#{last + 1}" if isinstance(last, int) else _shown(last)
    where = f"in {table_name(around)}" if around else "at the top of the file"
    if fault.kind == "unknown":
        choices = known_keys(around)
        return file.error(
            key_path,
            f"unknown key {name} {where}{nearest(str(last), choices) or _home_of(str(last))}",
            hint="known keys: " + ", ".join(choices),
        )
    if fault.kind == "missing":
        return file.error(around, f"{table_name(around)} has no {name}")
    near = nearest(fault.given, fault.choices) if fault.choices else ""
    return file.error(key_path, f"{name} {where} {fault.message}{near}")


def _home_of(name: str) -> str:
    """Say in which table a key that stands elsewhere belongs; empty if in none."""
    homes = (table for table in ("budget", "timeouts") if name in known_keys((table,)))
    return next((f"; it belongs in [{table}]" for table in homes), "")


def _shown(name: str) -> str:
    return repr(name if len(name) <= 60 else name[:60] + "…")


def _quoted(name: str) -> str:
    plain = name.replace("-", "").replace("_", "")
    return name if plain.isascii() and plain.isalnum() else '"' + repr(name[:60])[1:-1] + '"'
