"""``ralex sessions``: list, read, search, export, copy, rename and delete what was said."""

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from ralex.config.load import load_config
from ralex.core.codec import to_jsonable
from ralex.core.events import AgentEvent
from ralex.core.ids import SessionId
from ralex.core.terminal_text import clean_line
from ralex.errors import UsageError
from ralex.store import transcript
from ralex.store.sessions import SqliteSessions, StoredSession
from ralex.tools.kept_outputs import forget
from ralex.wiring import Engine

_EVERYTHING = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``ralex sessions``."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="list | show ID | search TEXT | export ID | fork ID | rename ID TITLE | delete ID",
        help="list (default) newest first; an ID may be shortened as far as it is unique",
    )
    parser.add_argument("--format", choices=("md", "json", "html"), default="md", help="of export")
    parser.add_argument("--json", action="store_true", help="with list and search: one JSON list")
    parser.add_argument("--here", action="store_true", help="list and search in this folder only")
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="with list and search")
    parser.add_argument("--yes", action="store_true", help="with delete: do it without asking")


def run(
    args: argparse.Namespace,
    *,
    cwd: Path,
    environ: Mapping[str, str],
    stdout: TextIO,
    stderr: TextIO,
) -> int:
    """Do what the words say and return the exit code.

    Raises:
        UsageError: If they make no sense, or a deletion is not confirmed by ``--yes``.
        SessionNotFoundError: If no session, or more than one, has the id.
        SessionLockedError: If a session to be deleted is open elsewhere.
    """
    config = load_config(cwd=cwd, environ=environ, require_key=False)

    async def work() -> None:
        async with Engine(config, environ=environ) as engine:
            sessions = await engine.sessions()
            for notice in sessions.notices:
                stderr.write(f"warning: {notice}\n")
            outputs = config.home / "tool-output"
            await _act(args, sessions, cwd, stdout, outputs=outputs)

    asyncio.run(work())
    return 0


async def _act(
    args: argparse.Namespace, sessions: SqliteSessions, cwd: Path, stdout: TextIO, *, outputs: Path
) -> None:
    project = str(cwd) if args.here else None
    limit = args.limit if args.limit > 0 else _EVERYTHING
    words: list[str] = args.words or ["list"]
    match words:
        case ["list"]:
            found = await sessions.list_sessions(project, limit)
            _list(found, [], stdout, as_json=args.json)
        case ["search", *text] if text:
            hits = await sessions.search(" ".join(text), project=project, limit=limit)
            excerpts = [clean_line(hit.excerpt) for hit in hits]
            _list([hit.session for hit in hits], excerpts, stdout, as_json=args.json)
        case ["show", prefix]:
            stdout.write(transcript.to_text(*await _whole(sessions, prefix)))
        case ["export", prefix]:
            stdout.write(transcript.exported(args.format, *await _whole(sessions, prefix)))
        case ["fork", prefix]:
            copy = await sessions.fork(await sessions.find(prefix))
            stdout.write(f"{copy}\n")
        case ["rename", prefix, *title] if title:
            await sessions.rename(await sessions.find(prefix), _title(title))
        case ["delete", prefix]:
            session_id = await sessions.find(prefix)
            await _delete(sessions, session_id, stdout, is_sure=args.yes)
            forget(outputs, session_id)
        case _:
            raise UsageError(
                f"sessions does not understand {' '.join(words)!r}",
                hint="list, show ID, search TEXT, export ID, fork ID, rename ID TITLE or "
                "delete ID --yes",
            )


async def _whole(sessions: SqliteSessions, prefix: str) -> tuple[StoredSession, list[AgentEvent]]:
    session_id = await sessions.find(prefix)
    return await sessions.get(session_id), await sessions.load(session_id)


def _title(words: Sequence[str]) -> str:
    title = clean_line(" ".join(words)).strip()
    if not title:
        raise UsageError("a title needs at least one letter", hint="such as `rename ID Discounts`")
    return title


def _turns(session: StoredSession) -> str:
    return "1 turn" if session.turns == 1 else f"{session.turns} turns"


async def _delete(
    sessions: SqliteSessions, session_id: SessionId, stdout: TextIO, *, is_sure: bool
) -> None:
    session = await sessions.get(session_id)
    name = f"{session_id} ({clean_line(session.title)}, {_turns(session)})"
    if not is_sure:
        raise UsageError(f"this would delete the session {name} for good", hint="say so with --yes")
    await sessions.delete(session_id)
    stdout.write(f"deleted {name}\n")


def _list(
    found: Sequence[StoredSession], excerpts: Sequence[str], stdout: TextIO, *, as_json: bool
) -> None:
    if as_json:
        json.dump(to_jsonable(found), stdout, indent=1)
        stdout.write("\n")
        return
    if not found:
        stdout.write("no sessions\n")
    for number, session in enumerate(found):
        stdout.write(
            f"{session.id}  {transcript.local_time(session.updated_s)}  {_turns(session):>9}  "
            f"{clean_line(session.title)}  ({clean_line(session.project)})\n"
        )
        if excerpts:
            stdout.write(f"{'':13}{excerpts[number]}\n")
