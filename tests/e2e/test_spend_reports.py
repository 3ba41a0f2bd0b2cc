"""Where the money went, as the installed command tells it after real calls."""

import csv
import io
import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import cast

import pytest

from tests.e2e.command import PRICED, Outcome, Ralex
from tests.e2e.model_server import Answer, ModelServer

DIMENSIONS = ("day", "model", "tier", "provider", "project", "session", "tag", "router")


@pytest.fixture
def server() -> ModelServer:
    return ModelServer([Answer(text="Four.", prompt_tokens=1_001, completion_tokens=7)])


def ask(ralex: Ralex, server: ModelServer, *extra: str, **environ: str) -> Outcome:
    done = ralex(
        "-p", "2+2?", *extra, OPENAI_BASE_URL=server.url, OPENAI_API_KEY="sk-test-01234567",
        **environ,
    )  # fmt: skip
    assert done.code == 0, done.stderr
    return done


def report(ralex: Ralex, by: str) -> dict[str, object]:
    return ralex("spend", "--by", by, "--format", "json").result_of_all()


def rows(ralex: Ralex, by: str) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", report(ralex, by)["rows"])


def test_tags_come_from_the_command_line_or_the_environment(
    ralex: Ralex, server: ModelServer
) -> None:
    ralex.configure(PRICED)
    with server:
        ask(ralex, server, "--tag", "nightly")
        ask(ralex, server, RALEX_TAG="release")
        ask(ralex, server, "--tag", "nightly", RALEX_TAG="release")
        ask(ralex, server)

    found = {str(row["key"]): row["calls"] for row in rows(ralex, "tag")}
    assert found == {"nightly": 2, "release": 1, "": 1}


@pytest.mark.parametrize("tag", ["", "  ", "a\x1bb", "x" * 81])
def test_a_tag_that_is_none_is_refused(ralex: Ralex, server: ModelServer, tag: str) -> None:
    ralex.configure(PRICED)
    with server:
        done = ralex("-p", "hi", "--tag", tag, OPENAI_BASE_URL=server.url, OPENAI_API_KEY="sk-1")

    assert done.code == 2
    assert "is no tag" in done.stderr
    assert server.requests == []


def test_every_report_adds_up_to_the_rows_to_the_nano_dollar(
    ralex: Ralex, server: ModelServer
) -> None:
    ralex.configure(PRICED.replace("1.00", "1.037").replace("2.00", "2.0000071"))
    with server:
        for number in range(3):
            ask(ralex, server, "--tag", f"t{number}")
    with closing(sqlite3.connect(ralex.home / "ralex" / "ledger.db")) as connection:
        (nano,) = connection.execute("SELECT sum(cost) FROM charge").fetchone()

    for by in DIMENSIONS:
        told = report(ralex, by)
        total = Decimal(str(cast("dict[str, object]", told["total"])["cost_usd"]))
        parts = sum(Decimal(str(row["cost_usd"])) for row in rows(ralex, by))
        text = ralex("spend", "--by", by, "--format", "csv").stdout
        listed = sum(Decimal(row["cost_usd"]) for row in csv.DictReader(io.StringIO(text)))
        assert total == parts == listed == Decimal(nano) / 1_000_000_000


def test_sessions_have_their_titles_and_projects_their_folders(
    ralex: Ralex, server: ModelServer
) -> None:
    ralex.configure(PRICED)
    with server:
        ask(ralex, server)
    session = ralex.only_session()

    by_session = ralex("spend", "--by", "session").stdout
    by_project = ralex("spend", "--by", "project").stdout

    assert f"{session} 2+2?" in by_session
    assert str(ralex.project.resolve()) in by_project
    assert rows(ralex, "session")[0]["title"] == "2+2?"


def test_a_lost_session_store_costs_the_titles_alone(ralex: Ralex, server: ModelServer) -> None:
    ralex.configure(PRICED)
    with server:
        ask(ralex, server)
    session = ralex.only_session()
    with closing(sqlite3.connect(ralex.home / "ralex" / "sessions.db")) as connection:
        connection.execute("PRAGMA user_version = 99")

    told = ralex("spend", "--by", "session")

    assert told.code == 0, told.stderr
    assert session in told.stdout
    assert "newer ralex" in told.stderr


@pytest.mark.parametrize("since", ["7d", "7", "today", "all", "2020-01-01"])
def test_since_takes_days_dates_and_words(ralex: Ralex, server: ModelServer, since: str) -> None:
    ralex.configure(PRICED)
    with server:
        ask(ralex, server)

    told = json.loads(ralex("spend", "--since", since, "--format", "json").stdout)

    assert told["total"]["calls"] == 1
