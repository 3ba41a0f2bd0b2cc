"""The sums that spend reports are made of, one row for each way of spending money in a day."""

import sqlite3
from collections.abc import Sequence

from ralex.core.budget import SpendRow
from ralex.core.pricing import from_nano
from ralex.core.usage import Usage
from ralex.store.ledger_records import Held

SPEND_DIMENSIONS = ("day", "model", "tier", "provider", "project", "session", "tag", "router")


TOKEN_COLUMNS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
)


_MOSTTOKENS = 2**53


TOKENS = ", ".join(TOKEN_COLUMNS)

_SUMS = ("calls", "cost", "saved", "cached_calls", *TOKEN_COLUMNS)


def spend(
    connection: sqlite3.Connection, by: str, *, since_day: str, until_day: str
) -> list[SpendRow]:
    """Group the charges of days; days in order, everything else dearest first.

    Args:
        by: One of ``SPEND_DIMENSIONS``.
        since_day: The first day, or empty.
        until_day: The last day, or empty.
    """
    order = "1" if by == "day" else "3 DESC, 1"
    sums = ", ".join(f"sum({column})" for column in _SUMS)
    rows: list[tuple[str, int, int, int, int, int, int, int, int, int]] = connection.execute(
        f"SELECT {by}, {sums} FROM spend "  # noqa: S608 - by is one of our own names
        "WHERE day >= ? AND day <= ? GROUP BY 1 ORDER BY " + order,
        (since_day, until_day or "9999-12-31"),
    ).fetchall()
    return [
        SpendRow(
            key=key,
            calls=calls,
            cached_calls=cached_calls,
            cost_usd=from_nano(cost),
            saved_usd=from_nano(saved),
            usage=Usage(**dict(zip(TOKEN_COLUMNS, tokens, strict=True))),
        )
        for key, calls, cost, saved, cached_calls, *tokens in rows
    ]


def add_spend(
    connection: sqlite3.Connection,
    held: Held,
    *,
    cost: int,
    saved: int,
    tokens: Sequence[int],
    is_cached: bool,
) -> None:
    """Add a charge to the sum it belongs to.

    Args:
        tokens: In the order of ``TOKEN_COLUMNS``.
        is_cached: The cache of answers gave the answer, and nothing was sent.
    """
    added = ", ".join(f"{column} = {column} + excluded.{column}" for column in _SUMS)
    connection.execute(
        "INSERT INTO spend (day, session, project, model, provider, tier, router, tag, "  # noqa: S608 - constant names
        f"calls, cost, saved, cached_calls, {TOKENS}) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?) "
        f"ON CONFLICT DO UPDATE SET {added}",
        (
            held.day,
            held.session,
            held.project,
            held.model,
            held.provider,
            held.tier,
            held.router,
            held.tag,
            cost,
            saved,
            int(is_cached),
            *tokens,
        ),
    )


def counted_tokens(usage: Usage) -> list[int]:
    """Give the counts; what a provider reports below zero or beyond reason is cut."""
    return [min(max(0, getattr(usage, column)), _MOSTTOKENS) for column in TOKEN_COLUMNS]
