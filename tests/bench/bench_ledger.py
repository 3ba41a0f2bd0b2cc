"""Figures of the store: a ledger of a million charges, and a session of ten thousand events.

python tests/bench/bench_ledger.py [CHARGES] [FOLDER]
"""

import asyncio
import resource
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from ralex.core.budget import Charge, Intent, Limits
from ralex.core.events import AgentEvent, Notice, ToolCallFinished, ToolCallStarted, TurnStarted
from ralex.core.ids import CallId, SessionId, TurnId
from ralex.core.usage import Usage
from ralex.store.ledger import SqliteLedger
from ralex.store.sessions import SqliteSessions

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CYCLES = 200
EVENTS = 10_000

_FILL = """
INSERT INTO reservation
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :charges)
SELECT printf('%024x', i), 'bench', 'settled', 3000000,
  date(:today, printf('-%d days', i * 365 / :charges)),
  '2026-01-01T12:00:00.000+00:00', 'UTC', '2026-01-01T12:00:00.100+00:00',
  '2026-01-01T12:00:01.000+00:00', '/shop/project-' || (i / 100 % 20), 's' || (i / 100),
  'acme/model-' || (i % 5), 'acme', substr('SIMPLEMEDIUM', 1 + (i % 2) * 6, 6), 'mine', 'step', ''
FROM n;
INSERT INTO charge
SELECT id, 1000000 + length(model), 2000000, 'provider', 900, 100, 0, 80, 0, 0, ended_at
FROM reservation;
INSERT INTO day (day, settled, saved)
SELECT day, sum(cost), sum(counterfactual - cost) FROM reservation
JOIN charge ON reservation = id GROUP BY day;
INSERT INTO scope (kind, key, settled)
WITH paid AS (SELECT day, project, session, cost FROM reservation JOIN charge ON reservation = id)
SELECT 'month', substr(day, 1, 7), sum(cost) FROM paid GROUP BY 2
UNION ALL SELECT 'project', project, sum(cost) FROM paid GROUP BY 2
UNION ALL SELECT 'session', session, sum(cost) FROM paid GROUP BY 2;
INSERT INTO spend
SELECT day, session, project, model, provider, tier, router, tag, count(*), sum(cost),
  sum(counterfactual - cost), sum(input_tokens), sum(cache_read_tokens), sum(cache_write_tokens),
  sum(output_tokens), sum(reasoning_tokens), 0
FROM reservation JOIN charge ON reservation = id GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
"""


def now() -> datetime:
    return NOW


async def open_ledger(folder: Path) -> SqliteLedger:
    return await SqliteLedger.open(
        folder / "ledger.db", limits=Limits(daily_usd=Decimal(10**6)), now=now
    )


def fill(path: Path, charges: int) -> None:
    """Store charges with true sums, without the ledger's own path, which would take an hour."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for statement in _FILL.split(";\n")[:-1]:
            parameters = {"charges": charges, "today": NOW.date().isoformat()}
            used = {name: value for name, value in parameters.items() if f":{name}" in statement}
            connection.execute(statement, used)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


async def cycle(ledger: SqliteLedger) -> None:
    reservation = await ledger.reserve(
        Intent(
            model="acme/model-1",
            provider="acme",
            tier="SIMPLE",
            router="mine",
            session_id="bench",
            project="/shop/project-1",
            purpose="step",
            worst_usd=Decimal("0.01"),
        )
    )
    await ledger.mark_sent(reservation.id)
    usage = Usage(input_tokens=900, output_tokens=80)
    await ledger.settle(
        reservation.id, Charge(cost_usd=Decimal("0.004"), source="provider", usage=usage)
    )


async def timed(work: Callable[[], Awaitable[object]], times: int = 1) -> list[float]:
    """Run work some times and give the milliseconds of each."""
    took: list[float] = []
    for _ in range(times):
        started = time.perf_counter()
        await work()
        took.append((time.perf_counter() - started) * 1000)
    return sorted(took)


def show(what: str, took: list[float], hold: str) -> None:
    p50, p99 = statistics.median(took), took[int(len(took) * 0.99)]
    print(f"{what:44} p50 {p50:9.2f} ms   p99 {p99:9.2f} ms   (hold: {hold})")


async def bench_ledger(folder: Path, charges: int) -> None:
    await (await open_ledger(folder)).aclose()
    shutil.rmtree(folder / "backups")
    started = time.perf_counter()
    fill(folder / "ledger.db", charges)
    size = (folder / "ledger.db").stat().st_size / 1e6
    print(f"{charges:,} charges stored, {size:.0f} MB, in {time.perf_counter() - started:.0f} s")
    started = time.perf_counter()
    ledger = await open_ledger(folder)
    show("open", [(time.perf_counter() - started) * 1000], "-")
    show("reserve + sent + settle", await timed(lambda: cycle(ledger), CYCLES), "p50 15 ms")
    show("state (status bar)", await timed(ledger.state, CYCLES), "no scan")
    show("spend --by day, a year", await timed(lambda: ledger.spend("day"), 5), "500 ms")
    show("spend --by session, a year", await timed(lambda: ledger.spend("session"), 5), "-")
    month = (NOW.date() - timedelta(days=29)).isoformat()
    show(
        "spend --by model, 30 days",
        await timed(lambda: ledger.spend("model", since_day=month), 5),
        "-",
    )
    show("audit of every row", await timed(ledger.audit), "-")
    assert await ledger.audit() == []
    show("close with the day's backup", await timed(ledger.aclose), "-")


async def bench_session(folder: Path) -> None:
    store = await SqliteSessions.open(folder / "sessions.db", now=now)
    session_id = await store.create(project="/shop", title="long")
    turn = TurnId("t")
    events: list[AgentEvent] = []
    for number in range(EVENTS // 4):
        call = CallId(f"c{number}")
        events += [
            TurnStarted(session_id=SessionId("s"), turn_id=turn, prompt="p" * 200),
            ToolCallStarted(call_id=call, name="bash", arguments_json="{}", title="ls"),
            ToolCallFinished(
                call_id=call,
                name="bash",
                output="o" * 2000,
                is_error=False,
                summary="exit 0",
                elapsed_ms=1,
            ),
            Notice(level="info", text="n"),
        ]
    await store.append(session_id, events)
    show(
        "append one tool result",
        await timed(lambda: store.append(session_id, events[2:3]), 100),
        "-",
    )
    await store.aclose()
    started = time.perf_counter()
    store = await SqliteSessions.open(folder / "sessions.db", now=now)
    loaded = await store.load(session_id)
    took = (time.perf_counter() - started) * 1000
    show(f"open a session of {len(loaded):,} events", [took], "1,000 ms")
    show("search in it", await timed(lambda: store.search("nowhere to be found"), 5), "-")
    await store.aclose()


def main() -> None:
    charges = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    folder = Path(
        tempfile.mkdtemp(prefix="ralex-bench-", dir=sys.argv[2] if sys.argv[2:] else None)
    )
    try:
        asyncio.run(bench_session(folder))
        asyncio.run(bench_ledger(folder, charges))
    finally:
        shutil.rmtree(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(f"peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
