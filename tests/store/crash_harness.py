"""Kill a scripted task at random moments, start it again, and look for what got lost."""

import asyncio
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import cast

from ralex.agent.history import History
from ralex.core.budget import Limits
from ralex.core.codec import event_to_json
from ralex.core.messages import AssistantMessage, Message, ToolResultMessage
from ralex.opened import local_now
from ralex.store.ledger import SqliteLedger
from ralex.store.sessions import SqliteSessions
from tests.conftest import ROOT
from tests.store.crash_task import LENGTH

_START_S = 30.0


@dataclass(kw_only=True)
class Findings:
    """What a series of kills showed.

    Attributes:
        opened_s: Seconds that each start took to open its session.
        started_s: Seconds from starting a process to its session being open.
        shown: Completed events that were shown before a kill.
        faults: One line for each broken promise.
    """

    kills: int = 0
    opened_s: list[float] = field(default_factory=list[float])
    started_s: list[float] = field(default_factory=list[float])
    shown: int = 0
    shown_usd: Decimal = Decimal(0)
    faults: list[str] = field(default_factory=list[str])


class Child:
    """One run of the task and what it has shown."""

    def __init__(self, home: Path, project: Path, *extra: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.crash_task", str(home), str(project), *extra],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        self._text = b""

    def lines(self) -> list[dict[str, object]]:
        """Give the whole lines so far; half a line was never shown."""
        whole = self._text.rpartition(b"\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def read(self, *, seconds: float, until: int | None = None) -> None:
        """Read for so long, or until there are so many lines."""
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        deadline = time.monotonic() + seconds
        while until is None or self._text.count(b"\n") < until:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                return
            data = os.read(pipe, 65_536)
            if not data:
                return
            self._text += data

    def kill(self) -> None:
        """Kill it as nothing can be prepared for, and read what it had shown."""
        self._process.send_signal(signal.SIGKILL)
        assert self._process.stdout is not None
        self._text += self._process.stdout.read()
        self._process.stdout.close()
        self._process.wait()


def crash(folder: Path, kills: int, *extra: str, at_events: bool = False) -> Findings:
    """Start and kill the task so many times, then look at what it left.

    Args:
        at_events: Kill always in the moment in which an event is shown; otherwise every second
            time, and at any moment the others.
    """
    home, project = folder / "home", folder / "project"
    project.mkdir(parents=True)
    chance = random.Random(20_261_120 + kills)
    findings = Findings()
    shown: dict[str, list[dict[str, object]]] = {}
    for number in range(kills):
        started = time.monotonic()
        child = Child(home, project, *extra)
        child.read(seconds=_START_S, until=1)
        findings.started_s.append(time.monotonic() - started)
        if at_events or number % 2:
            child.read(seconds=5, until=chance.randint(2, 60))
        else:
            child.read(seconds=chance.uniform(0, 0.4))
        child.kill()
        findings.kills += 1
        _note(child.lines(), shown, findings)
        findings.faults += _torn(project)
    asyncio.run(_compare(home, shown, findings))
    findings.faults += _repeated(project)
    return findings


def _note(
    lines: list[dict[str, object]],
    shown: dict[str, list[dict[str, object]]],
    findings: Findings,
) -> None:
    if not lines or "session" not in lines[0]:
        findings.faults.append(f"a start failed: {lines[:1]}")
        return
    opened, *events = lines
    findings.opened_s.append(float(str(opened["opened_s"])))
    findings.shown += len(events)
    findings.shown_usd += sum(Decimal(str(one["cost_usd"])) for one in events if _is_charge(one))
    shown.setdefault(str(opened["session"]), []).extend(events)


async def _compare(
    home: Path, shown: dict[str, list[dict[str, object]]], findings: Findings
) -> None:
    sessions = await SqliteSessions.open(home / "sessions.db", now=local_now)
    ledger = await SqliteLedger.open(home / "ledger.db", limits=Limits(), now=local_now)
    for name, events in shown.items():
        loaded = await sessions.load(await sessions.find(name))
        stored = Counter(_key(event_to_json(event)) for event in loaded)
        missing = Counter(map(_key, events)) - stored
        findings.faults += [f"shown and not stored: {key[:200]}" for key in missing]
        history = History("system")
        history.feed_all(loaded)
        history.settle()
        findings.faults += _invalid(history.messages)
    state = await ledger.state()
    if state.spent_usd < findings.shown_usd:
        findings.faults.append(f"${findings.shown_usd} were shown, ${state.spent_usd} are booked")
    findings.faults += await ledger.audit()
    await ledger.aclose()
    await sessions.aclose()


def _is_charge(event: dict[str, object]) -> bool:
    return event["type"] == "step_finished"


def _key(event: dict[str, object]) -> str:
    return json.dumps(event, sort_keys=True)


def _torn(project: Path) -> list[str]:
    path = project / "whole.txt"
    if not path.exists():
        return []
    text = path.read_text()
    letters = set(text)
    if len(text) == LENGTH and len(letters) == 1:
        return []
    return [f"whole.txt is torn: {len(text)} characters, {len(letters)} letters"]


def _repeated(project: Path) -> list[str]:
    path = project / "ran.txt"
    words = Counter(path.read_text().split()) if path.exists() else Counter[str]()
    return [f"{word} ran {count} times" for word, count in words.items() if count > 1]


def _invalid(messages: tuple[Message, ...]) -> list[str]:
    """Find calls without their one result right behind them, and results without a call."""
    faults: list[str] = []
    wanted: list[str] = []
    for message in messages:
        if isinstance(message, ToolResultMessage):
            if not wanted or wanted.pop(0) != message.call_id:
                faults.append(f"a result of {message.call_id} stands in the wrong place")
            continue
        if wanted:
            faults.append(f"no result of {', '.join(wanted)}")
        wanted = (
            [cast("str", call.id) for call in message.tool_calls]
            if isinstance(message, AssistantMessage)
            else []
        )
    return faults + [f"no result of {name}" for name in wanted]
