"""The cache of answers: kept for a while, within a size, and never a reason to fail."""

import asyncio
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ralex.store.cache import CACHE, SqliteResponseCache
from ralex.store.files import FileLock

Open = Callable[..., SqliteResponseCache]


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "cache.db"


@pytest.fixture
async def opened(path: Path, clock: Clock) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        def make(*, ttl_s: float = 60.0, max_bytes: int = 1_000) -> SqliteResponseCache:
            cache = SqliteResponseCache(path, ttl_s=ttl_s, max_bytes=max_bytes, now=clock)
            stack.push_async_callback(cache.aclose)
            return cache

        yield make


async def test_an_answer_is_given_again_until_its_time_is_over(opened: Open, clock: Clock) -> None:
    cache = opened(ttl_s=60)
    assert await cache.get("k") is None
    await cache.put("k", "forty-two")
    clock.now_s += 59
    assert await cache.get("k") == "forty-two"
    clock.now_s += 1
    assert await cache.get("k") is None


async def test_a_second_process_finds_what_the_first_one_kept(opened: Open) -> None:
    await opened().put("k", "kept")
    assert await opened().get("k") == "kept"


async def test_a_newer_answer_replaces_the_older(opened: Open) -> None:
    cache = opened()
    await cache.put("k", "old")
    await cache.put("k", "new")
    assert await cache.get("k") == "new"


async def test_what_was_unused_for_longest_makes_room(opened: Open, clock: Clock) -> None:
    cache = opened(ttl_s=10_000, max_bytes=1_000)
    for number in range(3):
        await cache.put(str(number), "x" * 300)
        clock.now_s += 100
    assert await cache.get("0"), "used again, so the next oldest goes"
    await cache.put("3", "x" * 300)
    kept = [key for key in "0123" if await cache.get(key)]
    assert kept == ["0", "2", "3"]


async def test_the_size_is_that_of_what_is_there(opened: Open, path: Path, clock: Clock) -> None:
    cache = opened(ttl_s=50, max_bytes=1_000)
    for number in range(30):
        await cache.put(str(number % 7), "ü" * (10 * number))
        clock.now_s += 4
    await cache.aclose()
    with sqlite3.connect(path) as connection:
        (total,) = connection.execute("SELECT bytes FROM total").fetchone()
        (true,) = connection.execute(
            "SELECT sum(length(CAST(answer AS BLOB))) FROM answer"
        ).fetchone()
    connection.close()
    assert total == true <= 1_000


async def test_an_answer_larger_than_the_whole_cache_is_left_out(opened: Open) -> None:
    cache = opened(max_bytes=100)
    await cache.put("small", "x" * 50)
    await cache.put("large", "x" * 101)
    assert await cache.get("small")
    assert await cache.get("large") is None


async def test_an_answer_from_the_future_is_none(opened: Open, clock: Clock) -> None:
    cache = opened()
    await cache.put("k", "made under a wrong clock")
    clock.now_s -= 100
    assert await cache.get("k") is None


async def test_only_its_owner_may_read_the_file(opened: Open, path: Path) -> None:
    await opened().put("k", "private")
    files = [path, *path.parent.glob("cache.db-*")]
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}


def _overwrite(path: Path) -> None:
    path.write_bytes(b"this is no database at all " * 400)


def _tear(path: Path) -> None:
    """Ruin the pages behind the first one, which opening alone does not see."""
    whole = bytearray(path.read_bytes())
    whole[4096:] = b"\xff" * (len(whole) - 4096)
    path.write_bytes(whole)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [_overwrite, _tear, _empty, _remove])
async def test_a_damaged_file_is_dropped_and_made_anew(
    opened: Open, path: Path, damage: Callable[[Path], None]
) -> None:
    before = opened()
    await before.put("k", "lost")
    await before.aclose()
    damage(path)
    cache = opened()
    assert await cache.get("k") is None
    await cache.put("k", "again")
    assert await cache.get("k") == "again"
    assert not list(path.parent.glob("cache.db.damaged-*")), "answers do not lie about"


async def test_a_file_damaged_while_it_is_open_is_dropped_as_well(opened: Open, path: Path) -> None:
    cache = opened(max_bytes=1_000_000)
    for number in range(50):
        await cache.put(str(number), "x" * 5_000)
    await cache.aclose()
    cache = opened(max_bytes=1_000_000)
    assert await cache.get("1") is not None
    _tear(path)
    for key in ("30", "40", "49"):
        await cache.get(key)
    await cache.put("new", "after")
    await cache.put("new", "after")
    assert await cache.get("new") == "after"


def _folder_in_its_place(path: Path) -> None:
    path.mkdir(parents=True)


def _file_in_place_of_the_home(path: Path) -> None:
    path.parent.write_text("not a folder")


def _newer_schema(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA application_id = {CACHE.application_id}")
        connection.execute("PRAGMA user_version = 999")
        connection.execute("CREATE TABLE later (x)")
    connection.close()


@pytest.mark.parametrize(
    "obstacle", [_folder_in_its_place, _file_in_place_of_the_home, _newer_schema]
)
async def test_a_file_that_cannot_be_used_is_passed_over(
    opened: Open, path: Path, obstacle: Callable[[Path], None]
) -> None:
    obstacle(path)
    cache = opened()
    await cache.put("k", "x")
    assert await cache.get("k") is None


async def test_a_busy_file_delays_a_call_only_a_little(
    opened: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ralex.store.cache._PATIENCE_S", 0.05)
    path.parent.mkdir()
    lock = FileLock(path.with_name("cache.db.lock"))
    assert lock.try_acquire()
    cache = opened()
    assert await cache.get("k") is None, "the other process opens it for ever"
    lock.release()
    monkeypatch.undo()
    await cache.put("k", "later")
    assert await cache.get("k") == "later"


WRITER = """
import asyncio, sys
from pathlib import Path
from ralex.store import cache as module

async def main():
    module._PATIENCE_S = 60.0  # other processes at work are no reason to give up here
    cache = module.SqliteResponseCache(Path(sys.argv[1]), ttl_s=600, max_bytes=60_000)
    for number in range(40):
        await cache.put(f"{sys.argv[2]}-{number}", "x" * 400)
    found = [await cache.get(f"{sys.argv[2]}-{number}") for number in range(40)]
    print(sum(one is not None for one in found))
    await cache.aclose()

asyncio.run(main())
"""


async def test_many_processes_write_at_once(path: Path, opened: Open) -> None:
    writers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, str(path), str(number), stdout=asyncio.subprocess.PIPE
        )
        for number in range(3)
    ]
    said = [await one.communicate() for one in writers]
    assert [out for out, _ in said] == [b"40\n"] * 3
    await opened(max_bytes=20_000).put("last", "x")
    with sqlite3.connect(path) as connection:
        (total,) = connection.execute("SELECT bytes FROM total").fetchone()
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    assert total <= 20_000
    assert verdict == "ok"
