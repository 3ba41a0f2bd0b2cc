"""What is known of models: windows, capabilities, prices that change with size, date and hour."""

from datetime import date, time
from decimal import Decimal
from enum import StrEnum

from ralex.core.ids import ModelId
from ralex.core.records import dataclass


class Api(StrEnum):
    """The wire dialects of providers."""

    OPENAI_CHAT = "openai-chat"
    OPENAI_RESPONSES = "openai-responses"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    MISTRAL = "mistral"
    SCRIPTED = "scripted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Prices in USD per million tokens.

    Attributes:
        cache_read: None where the source states none; then the input rate applies.
        cache_write: None where writes cost plain input.
        cache_write_1h: The dearer write with an hour of life, where it exists.
    """

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LongContextRates:
    """Rates that apply to the whole request once its input passes a size, in tokens."""

    above_input_tokens: int
    rates: Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedRates:
    """Rates in force from a date on (UTC); ``effective_from`` None is the beginning of time."""

    effective_from: date | None
    rates: Rates
    long_context: tuple[LongContextRates, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakRates:
    """Rates inside a daily window of UTC hours."""

    start: time
    end: time
    weekdays_only: bool
    rates: Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """Everything needed to price a call at a moment.

    Attributes:
        dated: Ascending by date; at least one entry.
        peaks: Daily windows that override the dated rates.
        source: Where the prices are from, with a date.
    """

    dated: tuple[DatedRates, ...]
    peaks: tuple[PeakRates, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceCeiling:
    """The dearest rates that a call was reserved for, in USD per million tokens."""

    input: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """One model at one provider; None means that no source says.

    Attributes:
        id: ``provider/name``.
        provider: The provider's name in the configuration.
        name: The model's name on the wire.
        context_window: Tokens of input and output together.
        max_output_tokens: The most the model generates in one call.
        price: None if unknown; under a budget such a model is refused.
        retires: When the provider stops serving it, if a source says so.
        is_deprecated: A source says that it should not be taken up any more.
        weight: Its part of the load among the deployments of one model; 0 only stands by.
        rpm: The user's own limit on requests a minute, or None.
        tpm: The user's own limit on tokens a minute, or None.
    """

    id: ModelId
    provider: str
    name: str
    api: Api = Api.OPENAI_CHAT
    label: str = ""
    context_window: int | None = None
    max_output_tokens: int | None = None
    price: PriceList | None = None
    tools: bool | None = None
    vision: bool | None = None
    reasoning: bool | None = None
    response_schema: bool | None = None
    prompt_caching: bool | None = None
    temperature: bool | None = None
    reasoning_field: str = ""
    retires: date | None = None
    is_deprecated: bool = False
    source: str = ""
    weight: float = 1.0
    rpm: int | None = None
    tpm: int | None = None
