"""What ``ralex doctor`` says of the databases: size, backups, and whether sums agree with rows."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from ralex.config.model import Config
from ralex.errors import BudgetError, StoreError
from ralex.store.backups import fault_of
from ralex.store.faults import SESSIONS
from ralex.store.opening import note_damage
from ralex.wiring import Engine

Level: TypeAlias = Literal["ok", "warn", "fail"]


def store_findings(config: Config, environ: Mapping[str, str]) -> Iterator[tuple[Level, str]]:
    """Look at what is stored; creates nothing that is not there, and repairs nothing."""
    home = config.home
    for name in ("ledger.db", "sessions.db", "cache.db"):
        path = home / name
        if path.exists():
            yield "ok", f"{name}: {_megabytes(path)}{_backups(path)}"
    yield from _sessions(home / "sessions.db")
    if not (home / "ledger.db").exists():
        return
    try:
        drift = asyncio.run(_audit(config, environ))
    except (BudgetError, StoreError) as error:
        yield "fail", f"{error.message}; {error.hint}"
        return
    if not drift:
        yield "ok", "ledger: every sum agrees with its charges"
        return
    for line in drift[:5]:
        yield "warn", f"ledger: {line}"
    yield "warn", "`ralex budget repair` makes the ledger's sums again, after a copy"


def _sessions(path: Path) -> Iterator[tuple[Level, str]]:
    """Look for damaged pages, which an opening meets only where it reads."""
    if not path.exists():
        return
    fault = fault_of(path, SESSIONS)
    if fault:
        note_damage(path)
        yield "fail", f"sessions.db: {fault}; {SESSIONS.repair_hint}"
    else:
        yield "ok", "sessions.db: every page can be read"


async def _audit(config: Config, environ: Mapping[str, str]) -> list[str]:
    async with Engine(config, environ=environ) as engine:
        return await (await engine.ledger()).audit()


def _megabytes(path: Path) -> str:
    parts = (path.with_name(path.name + suffix) for suffix in ("", "-wal"))
    size = sum(part.stat().st_size for part in parts if part.exists())
    return f"{size / 1e6:.1f} MB"


def _backups(path: Path) -> str:
    copies = sorted((path.parent / "backups").glob(f"{path.stem}-[0-9]*.db"))
    if not copies:
        return ""
    newest = copies[-1].stem.removeprefix(f"{path.stem}-")
    count = "1 backup" if len(copies) == 1 else f"{len(copies)} backups"
    return f", {count}, the newest of {newest}"
