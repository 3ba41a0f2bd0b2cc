"""Several processes spend from one ledger while some are killed; a script of its own, not a test.

The "provider" is a file of its own to which every call appends what it bills. The ledger never
reads it, so the two can be compared.

    python ledger_swarm.py FOLDER LIMIT_USD PROCESSES KILLS guarded|unguarded

``unguarded`` does what programs usually do: read what is left, call, and add the cost afterwards.
"""

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from ralex.core.budget import Charge, Intent, Limits, Reservation
from ralex.core.pricing import from_nano, to_nano
from ralex.core.usage import Usage
from ralex.errors import BudgetExceededError
from ralex.store.ledger import SqliteLedger

PATIENCE_S = 40.0
LOST_REPLIES = 0.1


def noon() -> datetime:
    return datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def intent(worst: Decimal) -> Intent:
    return Intent(
        model="acme/fast",
        provider="acme",
        tier="SIMPLE",
        router="mine",
        session_id=f"s{os.getpid() % 3}",
        project="/shop",
        purpose="step",
        worst_usd=worst,
    )


def bill(folder: Path, cost: Decimal) -> None:
    descriptor = os.open(folder / "billed", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, to_nano(cost).to_bytes(8, "big"))
    os.close(descriptor)


async def spend(folder: Path, limit: Decimal, *, is_guarded: bool) -> None:
    """Make calls until the ledger has refused some of them."""
    limits = Limits(daily_usd=limit, alert_usd=None, cutoff=is_guarded)
    ledger = await SqliteLedger.open(folder / "ledger.db", limits=limits, now=noon)
    refusals = 0
    while refusals < 3:
        worst = Decimal(random.randint(5, 30)) / 1000
        cost = worst * random.randint(30, 100) / 100
        try:
            reservation = await (set_aside if is_guarded else only_look)(ledger, worst)
        except BudgetExceededError:
            refusals += 1
            continue
        bill(folder, cost)
        await asyncio.sleep(random.uniform(0, 0.004))
        if is_guarded and random.random() < LOST_REPLIES:
            continue
        reservation = reservation or await ledger.reserve(intent(worst))
        await ledger.settle(
            reservation.id, Charge(cost_usd=cost, source="provider", usage=Usage(input_tokens=1))
        )
    await ledger.aclose()


async def set_aside(ledger: SqliteLedger, worst: Decimal) -> Reservation | None:
    reservation = await ledger.reserve(intent(worst))
    await ledger.mark_sent(reservation.id)
    return reservation


async def only_look(ledger: SqliteLedger, _worst: Decimal) -> Reservation | None:
    if (await ledger.state()).left_usd == 0:
        raise BudgetExceededError("nothing is left")
    return None


def start(folder: Path, limit: Decimal, *, is_guarded: bool) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        random.seed()
        asyncio.run(spend(folder, limit, is_guarded=is_guarded))
        code = 0
    finally:
        os._exit(code)


def swarm(
    folder: Path, limit: Decimal, processes: int, kills: int, *, is_guarded: bool
) -> tuple[int, int]:
    """Keep the processes running until they refuse; kill some. Tell kills and failures."""
    random.seed(20261120)
    deadline = time.monotonic() + PATIENCE_S
    children = {start(folder, limit, is_guarded=is_guarded) for _ in range(processes)}
    killed = failed = 0
    while killed < kills and time.monotonic() < deadline:
        time.sleep(random.uniform(0.005, 0.05))
        victim = random.choice(sorted(children))
        os.kill(victim, signal.SIGKILL)
        _, status = os.waitpid(victim, 0)
        killed += os.WIFSIGNALED(status)
        failed += os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0
        children.discard(victim)
        children.add(start(folder, limit, is_guarded=is_guarded))
    for child in children:
        _, status = os.waitpid(child, 0)
        failed += os.WIFSIGNALED(status) or os.WEXITSTATUS(status) != 0
    return killed, failed


async def look(folder: Path, limit: Decimal) -> dict[str, object]:
    ledger = await SqliteLedger.open(folder / "ledger.db", limits=Limits(daily_usd=limit), now=noon)
    state = await ledger.state()
    wrong = await ledger.audit()
    await ledger.aclose()
    return {
        "committed": str(state.spent_usd + state.held_usd),
        "spent": str(state.spent_usd),
        "wrong_sums": wrong,
    }


def main() -> None:
    folder, limit = Path(sys.argv[1]), Decimal(sys.argv[2])
    processes, kills = int(sys.argv[3]), int(sys.argv[4])
    is_guarded = sys.argv[5] == "guarded"
    started = time.monotonic()
    killed, failed = swarm(folder, limit, processes, kills, is_guarded=is_guarded)
    bills = (folder / "billed").read_bytes()
    billed = sum(int.from_bytes(bills[at : at + 8], "big") for at in range(0, len(bills), 8))
    report = asyncio.run(look(folder, limit))
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        (integrity,) = connection.execute("PRAGMA integrity_check").fetchone()
        (states,) = connection.execute(
            "SELECT json_group_object(state, n) FROM "
            "(SELECT state, count(*) AS n FROM reservation GROUP BY state)"
        ).fetchone()
    report |= {
        "kills": killed,
        "failed": failed,
        "calls": len(bills) // 8,
        "billed": str(from_nano(billed)),
        "integrity": integrity,
        "states": json.loads(states),
        "seconds": round(time.monotonic() - started, 1),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
