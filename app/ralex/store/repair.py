"""The one command that brings a damaged, lost or misdated ledger back, because the user said so.

What the lost part had spent today is not known. Unless the user says how much it was, the whole of
today's limit, or of this month's where a day has none, counts as used: a repair must not be a way
to spend the limit twice.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from ralex.core.budget import ASSUMED, BudgetState, Charge, Intent, LimitKind, Limits, format_usd
from ralex.errors import LedgerUnavailableError
from ralex.store import backups
from ralex.store.faults import LEDGER, is_damaged
from ralex.store.files import FileLock, make_private_folder
from ralex.store.ledger import SqliteLedger


async def repair_ledger(
    path: Path, *, limits: Limits, now: Callable[[], datetime], spent_usd: Decimal | None
) -> list[str]:
    """Bring the ledger back and say what was done, one line each.

    Args:
        spent_usd: What today has cost already; None counts today's limit as used. Only looked at
            if the ledger was damaged or lost.

    Raises:
        LedgerUnavailableError: If it is locked or cannot be written, which no repair helps.
        SchemaTooNewError: If a newer ralex wrote it.
    """
    done: list[str] = []
    try:
        ledger = await _open_sound(path, limits, now)
    except LedgerUnavailableError as error:
        if not isinstance(error.__cause__, Exception) or not is_damaged(error.__cause__):
            raise
        aside, told = await asyncio.to_thread(_replace, path)
        done += told
        ledger = await SqliteLedger.open(path, limits=limits, now=now)
        rescued_usd = await ledger.take_over(aside) if aside else Decimal(0)
        if rescued_usd:
            done.append(f"{format_usd(rescued_usd)} of later charges were read from the bad file")
        await _assume_spent(ledger, limits, spent_usd, done)
    try:
        done += await _check(ledger, now().date().isoformat())
    finally:
        await ledger.aclose()
    return done or ["the ledger is sound; nothing was changed"]


async def _open_sound(path: Path, limits: Limits, now: Callable[[], datetime]) -> SqliteLedger:
    """Open a ledger of which every page can be read, and every sum be compared."""
    ledger = await SqliteLedger.open(path, limits=limits, now=now)
    try:
        await ledger.check()
        await ledger.audit()
    except BaseException:
        await ledger.aclose()
        raise
    return ledger


def _replace(path: Path) -> tuple[Path | None, list[str]]:
    """Set the bad file aside and put the last good backup, or nothing, in its place.

    Returns:
        Where the bad file is now, and what was done.
    """
    make_private_folder(path.parent)
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    if not lock.try_acquire():
        raise LedgerUnavailableError(
            f"{LEDGER.title} {path} is being opened by another process", hint="try again"
        )
    try:
        aside = backups.set_aside(path)
        backup = backups.last_good(path, LEDGER)
        if backup is None:
            lock.leave_note("")
            backups.hide(path)
            source = "there is no good backup: a new ledger was made"
        else:
            backups.restore(path, backup)
            source = f"restored {backup}"
    finally:
        lock.release()
    return aside, [*([f"the bad file is now {aside}"] if aside else []), source]


async def _assume_spent(
    ledger: SqliteLedger, limits: Limits, spent_usd: Decimal | None, done: list[str]
) -> None:
    state = await ledger.state()
    known = state.spent_usd + state.held_usd
    missing = (
        await _most_lost(ledger, state) if spent_usd is None else max(Decimal(0), spent_usd - known)
    )
    ledger.set_limits(replace(limits, cutoff=False))
    reservation = await ledger.reserve(
        Intent(
            model="unknown",
            provider="unknown",
            tier="",
            router="",
            session_id="",
            project="",
            purpose="repair",
            worst_usd=missing,
            tag="repair",
        )
    )
    await ledger.settle(reservation.id, Charge(cost_usd=missing, source=ASSUMED))
    ledger.set_limits(limits)
    done.append(f"today counts as {format_usd(known + missing)} spent")
    if spent_usd is None and missing:
        done.append(
            "if it was less, allow more for today: `ralex budget raise 2.50`"
            if state.limit_usd is not None
            else "if it was less, raise this month's limit: `ralex budget set monthly …`"
        )


async def _most_lost(ledger: SqliteLedger, state: BudgetState) -> Decimal:
    """Give the most the lost part can have spent today: all that was left, raises included.

    Without a limit for the day it is what was left of the month's.
    """
    if state.left_usd is not None:
        return state.left_usd
    balances = await ledger.balances(project="")
    left = [one.left_usd for one in balances if one.kind is LimitKind.MONTH]
    return next((usd for usd in left if usd is not None), Decimal(0))


async def _check(ledger: SqliteLedger, today: str) -> list[str]:
    done = [f"a sum was wrong: {line}" for line in await ledger.audit()]
    if done:
        copy = await ledger.rebuild()
        done.append(f"the sums are made again from the rows; the ledger as it was is {copy}")
    try:
        day = (await ledger.state()).day
    except LedgerUnavailableError as error:
        if not isinstance(error.__cause__, Exception) or not is_damaged(error.__cause__):
            raise
        await ledger.go_back_to(today)
        return [*done, f"{error.message}; from now on today is {today} again"]
    if day > today:
        await ledger.go_back_to(today)
        done.append(f"the ledger had seen the date {day}; from now on today is {today} again")
    return done
