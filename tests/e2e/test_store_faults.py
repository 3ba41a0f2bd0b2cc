"""Broken, foreign, locked and full stores through the installed command.

Each has its message and its exit code, pays for nothing it should not, and loses nothing.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.command import PRICED, Outcome, Ralex
from tests.e2e.model_server import Answer, ModelServer

KEY = "sk-test-0123456789"
Damage = Callable[[Path], None]


@pytest.fixture
def server() -> Generator[ModelServer, None, None]:
    with ModelServer([Answer(text="Four.")]) as opened:
        yield opened


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home with one paid turn of one session in it, once for all."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "home").mkdir()
    (folder / "project").mkdir()
    made = Ralex(folder / "home", folder / "project")
    made.configure(PRICED)
    with ModelServer([Answer(text="Four.")]) as opened:
        outcome = ask(made, opened)
    assert outcome.code == 0, outcome.stderr
    return folder / "home"


@pytest.fixture
def used(ralex: Ralex, template: Path) -> Ralex:
    """Give a copy of that home."""
    shutil.copytree(template, ralex.home, dirs_exist_ok=True)
    return ralex


def ask(ralex: Ralex, server: ModelServer, *extra: str, **environ: str) -> Outcome:
    return ralex("-p", "2+2?", *extra, OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY, **environ)


def home(ralex: Ralex) -> Path:
    return ralex.home / "ralex"


def turns(ralex: Ralex) -> int:
    listed = json.loads(ralex("sessions", "list", "--json").stdout)
    return sum(int(one["turns"]) for one in listed)


def spent(ralex: Ralex) -> str:
    return str(ralex("budget", "show", "--json").result_of_all()["spent_usd"])


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "missing"


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 100])


def scribble(path: Path) -> None:
    path.write_bytes(b"this was a database once\n" * 400)


def replace_by_foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipe (name TEXT)")
        connection.execute("INSERT INTO recipe VALUES ('goulash')")
        connection.commit()


def remove(path: Path) -> None:
    path.unlink()


def make_newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


damages = pytest.mark.parametrize(
    "damage",
    [
        pytest.param(empty, id="zero-length"),
        pytest.param(cut, id="truncated"),
        pytest.param(scribble, id="garbage"),
        pytest.param(replace_by_foreign, id="foreign"),
        pytest.param(remove, id="missing"),
    ],
)


@damages
def test_without_a_sound_ledger_nothing_is_paid_for_and_nothing_is_touched(
    used: Ralex, server: ModelServer, damage: Damage
) -> None:
    path = home(used) / "ledger.db"
    damage(path)
    before = digest(path)

    asked = ask(used, server)
    shown = used("budget", "show")

    for outcome in (asked, shown):
        assert outcome.code == 3
        assert "the ledger" in outcome.stderr
        assert "ralex budget repair" in outcome.stderr
        assert "Traceback" not in outcome.stderr
    assert server.requests == []
    assert digest(path) == before
    assert turns(used) == 1


@pytest.mark.parametrize("damage", [cut, remove])
def test_a_repaired_ledger_pays_again_from_what_the_user_says_was_spent(
    used: Ralex, server: ModelServer, damage: Damage
) -> None:
    damage(home(used) / "ledger.db")

    repaired = used("budget", "repair", "--spent", "4.00")
    after = ask(used, server)

    assert repaired.code == 0, repaired.stderr
    assert after.code == 0, after.stderr
    assert spent(used).startswith("4.00")


@pytest.mark.parametrize("damage", [empty, cut, scribble, replace_by_foreign])
def test_a_damaged_session_store_is_set_aside_with_a_word_and_work_goes_on(
    used: Ralex, server: ModelServer, damage: Damage
) -> None:
    path = home(used) / "sessions.db"
    damage(path)
    broken = path.read_bytes()

    outcome = ask(used, server)

    assert outcome.code == 0, outcome.stderr
    (line,) = [one for one in outcome.stderr.splitlines() if one.startswith("ralex: warning:")]
    assert "session" in line
    kept = [one for one in home(used).rglob("*") if one.is_file() and "damaged" in str(one)]
    assert broken in [one.read_bytes() for one in kept]
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["ledger.db", "sessions.db"])
def test_what_a_newer_ralex_wrote_is_refused_and_left_alone(
    used: Ralex, server: ModelServer, name: str
) -> None:
    path = home(used) / name
    make_newer(path)
    before = digest(path)

    outcome = ask(used, server)

    assert outcome.code == 2
    assert "newer ralex" in outcome.stderr
    assert "update ralex" in outcome.stderr
    assert server.requests == []
    assert digest(path) == before


def test_an_event_that_cannot_be_read_costs_that_event_alone(
    used: Ralex, server: ModelServer
) -> None:
    with closing(sqlite3.connect(home(used) / "sessions.db")) as connection:
        connection.execute("UPDATE event SET payload = '{\"type\": ' WHERE type = 'route_decided'")
        connection.commit()

    shown = used("sessions", "show", used.only_session())
    continued = ask(used, server, "--resume", used.only_session())

    assert shown.code == 0
    assert "Four." in shown.stdout
    assert continued.code == 0, continued.stderr
    assert turns(used) == 2
    assert [one["role"] for one in server.messages()] == ["system", "user", "assistant", "user"]


def test_a_last_date_that_is_none_opens_no_limit_again(used: Ralex, server: ModelServer) -> None:
    with closing(sqlite3.connect(home(used) / "ledger.db")) as connection:
        connection.execute("UPDATE clock SET greatest_day = 'garbage'")
        connection.commit()

    refused = ask(used, server)
    repaired = used("budget", "repair")

    assert refused.code == 3
    assert "is damaged: the last date it has seen is 'garbage'" in refused.stderr
    assert "ralex budget repair" in refused.stderr
    assert server.requests == []
    assert repaired.code == 0, repaired.stderr
    assert spent(used) == "0.0012"
    assert ask(used, server).code == 0


@pytest.mark.parametrize("name", ["ledger.db", "sessions.db"])
def test_a_store_that_stays_locked_is_named_and_nothing_is_paid_for(
    used: Ralex, server: ModelServer, name: str
) -> None:
    patient = (
        "import sys, ralex.store.faults as faults; faults.BUSY_TIMEOUT_S = 1.0\n"
        "from ralex.__main__ import main; sys.exit(main())"
    )
    path = home(used) / name
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        done = subprocess.run(
            [sys.executable, "-c", patient, "-p", "2+2?"],
            cwd=used.project,
            env=used.environment({"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": KEY}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        connection.execute("ROLLBACK")

    assert done.returncode == (3 if name == "ledger.db" else 1)
    assert f"{name} is locked by another process" in done.stderr
    assert server.requests == []
    assert ask(used, server).code == 0


def test_a_store_that_is_locked_for_a_moment_is_waited_for(
    used: Ralex, server: ModelServer
) -> None:
    connection = sqlite3.connect(
        home(used) / "ledger.db", isolation_level=None, check_same_thread=False
    )
    connection.execute("BEGIN IMMEDIATE")

    def release() -> None:
        time.sleep(1.0)
        connection.execute("ROLLBACK")
        connection.close()

    thread = threading.Thread(target=release)
    thread.start()
    outcome = ask(used, server)
    thread.join()

    assert outcome.code == 0, outcome.stderr


@pytest.mark.parametrize(
    ("limit", "words"),
    [("0", "of today's $0.00 is left"), ("0.001", "of today's $0.001 is left")],
    ids=["zero", "below what is spent"],
)
def test_a_limit_of_nothing_or_below_what_is_spent_only_refuses(
    used: Ralex, server: ModelServer, limit: str, words: str
) -> None:
    before = spent(used)
    refused = ask(used, server, RALEX_DAILY_USD=limit)

    assert refused.code == 3
    assert words in refused.stderr
    assert server.requests == []
    assert spent(used) == before
    assert ask(used, server).code == 0


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("-p", "hi", "-r", "nope"), id="resume"),
        pytest.param(("-p", "hi", "-r", "nope", "--fork"), id="fork while resuming"),
        pytest.param(("sessions", "show", "nope"), id="show"),
        pytest.param(("sessions", "fork", "nope"), id="fork"),
        pytest.param(("sessions", "rename", "nope", "title"), id="rename"),
        pytest.param(("sessions", "delete", "nope", "--yes"), id="delete"),
        pytest.param(("sessions", "export", "nope"), id="export"),
    ],
)
def test_a_session_that_does_not_exist_is_exit_code_2(
    used: Ralex, server: ModelServer, command: tuple[str, ...]
) -> None:
    outcome = used(*command, OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY)

    assert outcome.code == 2
    assert "no session 'nope'" in outcome.stderr
    assert "ralex sessions list" in outcome.stderr
    assert server.requests == []


def test_what_a_command_says_is_said_once(used: Ralex) -> None:
    empty(home(used) / "sessions.db")

    listed = used("sessions", "list")

    assert listed.code == 0
    assert listed.stderr.count("was damaged") == 1
    assert "was damaged" in (home(used) / "logs" / "ralex.log").read_text()


def test_an_empty_session_id_points_to_the_list(ralex: Ralex) -> None:
    outcome = ralex("-p", "hi", "--resume", "")

    assert outcome.code == 2
    assert "`ralex sessions list`" in outcome.stderr


def test_a_home_below_a_file_is_an_error_with_advice(ralex: Ralex, server: ModelServer) -> None:
    (ralex.home / "file").write_text("in the way")
    outcome = ask(ralex, server, RALEX_HOME=str(ralex.home / "file" / "ralex"))

    assert outcome.code == 3  # without a ledger nothing is paid for
    assert "cannot be opened for writing" in outcome.stderr
    assert "RALEX_HOME" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert server.requests == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path, None, None]:
    """Give a disk of 6 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=6m,mode=0700", "none", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["/bin/umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 1024)


def test_a_full_disk_stops_the_call_and_loses_nothing(
    ralex: Ralex, server: ModelServer, small_disk: Path
) -> None:
    (small_disk / "config.toml").write_text(PRICED)
    place = {"RALEX_HOME": str(small_disk)}
    first = ask(ralex, server, **place)
    assert first.code == 0, first.stderr
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"):
        fill(filler)

    requests = len(server.requests)
    full = ask(ralex, server, **place)
    filler.unlink()
    after = ask(ralex, server, "--continue", **place)
    listed = ralex("sessions", "list", "--json", **place)

    assert full.code in {1, 3}
    assert "the disk is full" in full.stderr
    assert "Traceback" not in full.stderr
    assert len(server.requests) == requests + 1
    assert after.code == 0, after.stderr
    assert [one["turns"] for one in json.loads(listed.stdout)] == [2]


def test_a_limit_that_a_full_disk_refuses_is_not_blamed_on_permissions(
    ralex: Ralex, small_disk: Path
) -> None:
    config = small_disk / "config.toml"
    config.write_text(PRICED)
    with pytest.raises(OSError, match="No space"):
        fill(small_disk / "filler")

    outcome = ralex("budget", "set", "daily", "3", RALEX_HOME=str(small_disk))

    assert outcome.code == 2
    assert "free some space" in outcome.stderr
    assert config.read_text() == PRICED
    assert sorted(one.name for one in small_disk.iterdir()) == ["config.toml", "filler"]


def test_a_disk_that_cannot_be_written_is_named(
    ralex: Ralex, server: ModelServer, small_disk: Path
) -> None:
    place = {"RALEX_HOME": str(small_disk / "ralex")}
    subprocess.run(["/bin/mount", "-o", "remount,ro", str(small_disk)], check=True)

    outcome = ask(ralex, server, "--model", "openai/gpt-5.4-mini", **place)

    assert outcome.code in {1, 3}
    assert "Read-only" in outcome.stderr
    assert "RALEX_HOME" in outcome.stderr
    assert server.requests == []
