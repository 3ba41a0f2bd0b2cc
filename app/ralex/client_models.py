"""What a caller may tell of a model: checked at once, because prices guard the limits."""

from decimal import Decimal, InvalidOperation

from ralex.errors import UsageError


def check_model(
    model: str,
    *,
    input_usd: object,
    output_usd: object,
    context_window: object,
    max_output_tokens: object,
) -> None:
    """Refuse facts that cannot be true.

    Raises:
        UsageError: Naming the argument.
    """
    provider, slash, name = model.partition("/")
    if not (slash and provider.strip() and name.strip()):
        raise UsageError(
            f"{model!r} names no model of a provider", hint='write it as "provider/name"'
        )
    if (input_usd is None) != (output_usd is None):
        raise UsageError(
            f"{model}: input and output prices belong together", hint="0 is for what is free"
        )
    for argument, price in (("input", input_usd), ("output", output_usd)):
        if price is not None and not _is_price(price):
            raise UsageError(
                f"{model}: {argument}={price!r} is no price",
                hint="USD per million tokens, 0 or more",
            )
    for argument, tokens in (
        ("context_window", context_window),
        ("max_output_tokens", max_output_tokens),
    ):
        is_count = isinstance(tokens, int) and not isinstance(tokens, bool) and tokens > 0
        if tokens is not None and not is_count:
            raise UsageError(
                f"{model}: {argument}={tokens!r} is no number of tokens",
                hint="a whole number above 0, or leave it out",
            )


def _is_price(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        return False
    return price.is_finite() and price >= 0
