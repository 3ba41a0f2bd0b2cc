"""The library's functions that need no client: judge, count, price and look up."""

from datetime import UTC, datetime
from decimal import Decimal

from ralex.core.complexity import Complexity
from ralex.core.usage import Usage
from ralex.errors import UnknownPriceError, UsageError

_CAPABILITIES = ("tools", "vision", "reasoning", "response_schema", "prompt_caching")


def classify(text: str, *, scorer: str = "ralex") -> Complexity:
    """Judge how hard an ask is, from its text alone.

    Args:
        scorer: ``ralex`` or ``litellm``.
    """
    from ralex.config.scorers import load_scorer  # noqa: PLC0415
    from ralex.core.complexity import score_ask  # noqa: PLC0415

    return score_ask(text, load_scorer(scorer))


def count_tokens(text: str, model: str = "openai/gpt-5.4", *, exact: bool = False) -> int:
    """Count the tokens of a text for a model.

    Args:
        exact: Use tiktoken's tables, for OpenAI's models only; tiktoken fetches them once, or finds
            them in ``TIKTOKEN_CACHE_DIR``. By default the count is an estimate, within some 10 %
            for code and English, without tables or network.

    Raises:
        UsageError: If an exact count is asked for and cannot be had.
    """
    provider, _, name = model.rpartition("/")
    if exact:
        return _exact_tokens(text, model)
    from ralex.core.tokens import estimate_tokens, factor_for  # noqa: PLC0415

    return int(estimate_tokens(text) * factor_for(provider, name))


def _exact_tokens(text: str, model: str) -> int:
    if "openai/" not in model and not model.startswith("gpt-"):
        raise UsageError(
            f"no exact count is known for {model}", hint="leave exact out for an estimate"
        )
    import tiktoken  # noqa: PLC0415

    try:
        encoding = tiktoken.get_encoding("o200k_base")
    except (OSError, ValueError) as error:
        raise UsageError(
            "tiktoken's tables cannot be loaded",
            hint="it fetches them once; or put o200k_base into TIKTOKEN_CACHE_DIR",
        ) from error
    return len(encoding.encode(text, disallowed_special=()))


def cost(model: str, usage: Usage, *, at: datetime | None = None) -> Decimal:
    """Price a usage in USD with the bundled catalogue.

    Args:
        at: The moment whose prices apply, with a time zone; now by default.

    Raises:
        UnknownPriceError: If the catalogue has no price for the model.
    """
    from ralex.config.catalogue import load_catalogue  # noqa: PLC0415
    from ralex.core.ids import ModelId  # noqa: PLC0415
    from ralex.core.pricing import cost_usd  # noqa: PLC0415

    info = load_catalogue().get(ModelId(model))
    if info is None or info.price is None:
        raise UnknownPriceError(
            f"the price of {model} is unknown", hint="`ralex models` lists what is known"
        )
    return cost_usd(info.price, usage, at or datetime.now(UTC))


def supports(model: str, capability: str) -> bool | None:
    """Tell whether a model can do something; None where no source says.

    Args:
        capability: ``tools``, ``vision``, ``reasoning``, ``response_schema`` or ``prompt_caching``.

    Raises:
        UsageError: If there is no such capability.
    """
    from ralex.config.catalogue import load_catalogue  # noqa: PLC0415
    from ralex.core.ids import ModelId  # noqa: PLC0415

    if capability not in _CAPABILITIES:
        raise UsageError(f"there is no capability {capability!r}", hint=", ".join(_CAPABILITIES))
    info = load_catalogue().get(ModelId(model))
    value: bool | None = getattr(info, capability) if info is not None else None
    return value
