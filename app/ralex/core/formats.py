"""How numbers are written for people; the same everywhere, so that columns line up."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

REASON_GLYPHS: Final[Mapping[str, str]] = {
    "override": "◆",
    "rule": "§",
    "sticky": "↻",
    "escalated": "▲",
    "score": "≈",
    "budget": "$",
}
REASON_WORDS: Final[Mapping[str, str]] = {
    "override": "your choice",
    "rule": "rule",
    "sticky": "same task",
    "escalated": "escalated",
    "score": "score",
    "budget": "budget",
}


def usd(amount: Decimal) -> str:
    """Show USD: cents from a dollar up, more digits below so that small sums are not zero."""
    if amount == 0:
        return "$0.00"
    digits = 2 if abs(amount) >= 1 else 3 if abs(amount) >= Decimal("0.1") else 4
    rounded = amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    if rounded == 0:
        return "<$0.0001" if amount > 0 else "$0.00"
    return f"-${-rounded:,}" if rounded < 0 else f"${rounded:,}"


def usd_cents(amount: Decimal) -> str:
    """Show USD in cents, for sums of a day; what is less than half a cent is not nothing."""
    rounded = amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
    if rounded == 0:
        return "<$0.01" if amount > 0 else "$0.00"
    return f"-${-rounded:,}" if rounded < 0 else f"${rounded:,}"


def about_cents(amount: Decimal) -> str:
    """Show an estimate in cents: ``~$0.42``."""
    text = usd_cents(amount)
    return text if text.startswith("<") else f"~{text}"


def exact_usd(amount: Decimal) -> str:
    """Write USD with all their digits, at least the cents, and no needless zeros: ``4.00``."""
    whole, _, cents = f"{amount.normalize():f}".partition(".")
    return f"{whole}.{cents:0<2}"


def tokens(count: int) -> str:
    """Show a token count in at most five characters: ``842``, ``12.4k``, ``128k``, ``1.05M``."""
    if count < 1_000:
        return str(count)
    if count < 99_950:
        return f"{count / 1_000:.1f}".removesuffix(".0") + "k"
    if count < 999_500:
        return f"{count / 1_000:.0f}k"
    return f"{count / 1_000_000:.2f}".rstrip("0").rstrip(".") + "M"


def seconds(duration_s: float) -> str:
    """Show a duration: ``0.4 s``, ``12 s``, ``3 min 05 s``."""
    if duration_s < 10:
        return f"{duration_s:.1f} s"
    whole = round(duration_s)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"


def age(seconds_ago: float) -> str:
    """Say how long ago something was in eleven characters at most: ``12 days ago``."""
    minutes = int(seconds_ago // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 48 * 60:
        return f"{minutes // 60} h ago"
    days = minutes // (24 * 60)
    return f"{days} days ago" if days < 100 else f"{days // 30} mon ago"


def meter(share: float, width: int) -> tuple[str, str]:
    """Draw a share from 0 to 1 as a bar; returns its full and its empty part."""
    full = min(width, max(0, round(share * width)))
    if share > 0 and full == 0 and width:
        full = 1
    return "━" * full, "─" * (width - full)


def short_model(model: str) -> str:
    """Leave out the provider's part of a model's name."""
    return model.rpartition("/")[2]


def count(number: int, noun: str) -> str:
    """Say how many: ``1 line``, ``3 lines``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
