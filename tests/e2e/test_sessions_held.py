"""One session, two processes: who may write it, and how to go on in a copy."""

import asyncio
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ralex.core.ids import SessionId
from ralex.opened import local_now
from ralex.store.sessions import SqliteSessions
from tests.e2e.command import PRICED, Outcome, Ralex
from tests.e2e.model_server import Answer, ModelServer


def ask(ralex: Ralex, server: ModelServer, prompt: str, *extra: str) -> Outcome:
    return ralex("-p", prompt, *extra, OPENAI_BASE_URL=server.url, OPENAI_API_KEY="sk-test-0123456")


@pytest.fixture
def server() -> Generator[ModelServer, None, None]:
    with ModelServer([Answer(text="Four."), Answer(text="Five.")]) as opened:
        yield opened


@pytest.fixture
def used(ralex: Ralex, server: ModelServer) -> Ralex:
    ralex.configure(PRICED)
    assert ask(ralex, server, "2+2?").code == 0
    return ralex


@contextmanager
def held(ralex: Ralex, session: str) -> Generator[None, None, None]:
    """Write the session from this living process meanwhile."""
    path = ralex.home / "ralex" / "sessions.db"

    async def take() -> SqliteSessions:
        sessions = await SqliteSessions.open(path, now=local_now)
        await sessions.acquire(SessionId(session))
        return sessions

    with asyncio.Runner() as runner:
        sessions = runner.run(take())
        try:
            yield
        finally:
            runner.run(sessions.aclose())


@pytest.mark.parametrize("how", ["continue", "resume"])
def test_a_session_open_elsewhere_is_refused_before_anything_is_paid_for(
    used: Ralex, server: ModelServer, how: str
) -> None:
    session = used.only_session()
    words = ("--continue",) if how == "continue" else ("--resume", session)
    with held(used, session):
        outcome = ask(used, server, "and 2+3?", *words)

    assert outcome.code == 2
    assert "is open in another ralex" in outcome.stderr
    assert "--fork" in outcome.stderr
    assert len(server.requests) == 1
    assert ask(used, server, "and 2+3?", *words).code == 0


def test_a_fork_goes_on_in_a_copy_and_leaves_the_original_as_it_was(
    used: Ralex, server: ModelServer
) -> None:
    session = used.only_session()
    before = used("sessions", "show", session).stdout
    with held(used, session):
        outcome = ask(used, server, "and 2+3?", "--resume", session, "--fork", "--output", "json")

    assert outcome.code == 0, outcome.stderr
    copy = str(outcome.result["session_id"])
    assert copy != session
    assert used("sessions", "show", session).stdout == before
    shown = used("sessions", "show", copy).stdout
    assert shown.index("2+2?") < shown.index("and 2+3?")
    assert [one["role"] for one in server.messages()] == ["system", "user", "assistant", "user"]


def test_forking_the_last_session_keeps_its_title(used: Ralex, server: ModelServer) -> None:
    assert ask(used, server, "and 2+3?", "-c", "--fork").code == 0

    with closing(sqlite3.connect(used.home / "ralex" / "sessions.db")) as connection:
        titles = connection.execute("SELECT title FROM session").fetchall()
    assert titles == [("2+2?",), ("2+2?",)]


def test_sessions_fork_prints_the_copys_id(used: Ralex) -> None:
    session = used.only_session()
    outcome = used("sessions", "fork", session[:6])

    copy = outcome.stdout.strip()
    assert outcome.code == 0
    assert copy != session
    assert "2+2?" in used("sessions", "show", copy).stdout


def test_a_fork_of_nothing_is_wrong_usage(used: Ralex, server: ModelServer) -> None:
    outcome = ask(used, server, "hi", "--fork")

    assert outcome.code == 2
    assert "add -c" in outcome.stderr
    assert len(server.requests) == 1


def test_what_a_repair_did_is_told_once(used: Ralex, server: ModelServer) -> None:
    path: Path = used.home / "ralex" / "sessions.db"
    path.write_bytes(b"scribbles" * 1000)

    first, second = ask(used, server, "2+2?"), ask(used, server, "2+2?")

    assert (first.code, second.code) == (0, 0)
    assert first.stderr.count("ralex: warning:") == 1
    assert second.stderr.count("ralex: warning:") == 0
