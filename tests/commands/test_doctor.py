import argparse
import asyncio
import io
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ralex.commands import doctor
from ralex.core.events import AgentEvent, EvidenceNoted, RouteDecided, TurnStarted
from ralex.core.ids import ModelId, SessionId, TurnId
from ralex.core.routing import RouteDecision, RouteReason
from ralex.core.tiers import Tier
from ralex.opened import local_now
from ralex.store.sessions import SqliteSessions
from tests.store.test_sessions import called, finished


def run(tmp_path: Path, *argv: str, **environ: str) -> tuple[int, str]:
    parser = argparse.ArgumentParser()
    doctor.add_arguments(parser)
    out = io.StringIO()
    code = doctor.run(
        parser.parse_args(argv),
        cwd=tmp_path,
        environ={"RALEX_HOME": str(tmp_path / "home"), **environ},
        stdout=out,
        stderr=io.StringIO(),
    )
    return code, out.getvalue()


def test_a_machine_with_a_key_is_well(tmp_path: Path) -> None:
    code, out = run(tmp_path, OPENAI_API_KEY="sk-secret")
    assert code == 0
    assert "✓ provider openai: key set (OPENAI_API_KEY)" in out
    assert "✓ SQLite 3." in out
    assert "✓ router openai" in out
    assert "✗" not in out
    assert "sk-secret" not in out


def test_a_file_given_by_name_is_looked_at_as_well(tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text("[budget]\ndaily_usd = 1.25\n")
    code, out = run(tmp_path, "--config", str(file), OPENAI_API_KEY="sk-secret")
    assert code == 0
    assert "at most 1.25 USD a day" in out


def test_no_key_is_a_failure(tmp_path: Path) -> None:
    code, out = run(tmp_path)
    assert code == 2
    assert "✗ no provider has a key" in out


def test_a_faulty_file_is_reported_not_raised(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text("dialy = 1\n")
    code, out = run(tmp_path, OPENAI_API_KEY="k")
    assert code == 2
    assert "✗ configuration:" in out
    assert "line 1: unknown key 'dialy'" in out


def test_a_home_that_others_may_enter_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(0o755)
    code, out = run(tmp_path, OPENAI_API_KEY="k")
    assert code == 0
    assert "chmod 700" in out


def test_dominated_and_retiring_models_are_warned_about(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "config.toml").write_text(
        '[routers.mine]\ntiers = { SIMPLE = "gemini/gemini-2.5-pro", '
        'COMPLEX = "anthropic/claude-sonnet-4-5" }\n[budget]\ndaily_usd = false\n'
    )
    _, out = run(tmp_path, GEMINI_API_KEY="k", ANTHROPIC_API_KEY="k")
    assert "! SIMPLE uses gemini/gemini-2.5-pro, which solved 53.6% for 0.288 USD a task" in out
    assert "! anthropic/claude-sonnet-4-5 is to be retired on 2026-11-30" in out
    assert "! no limit stops the spending" in out


def test_the_network_is_tried_only_when_asked(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        address = f"http://127.0.0.1:{port}/v1"
        _, quiet = run(tmp_path, OPENAI_BASE_URL=address)
        _, asked = run(tmp_path, "--network", OPENAI_BASE_URL=address)
    assert "answers" not in quiet
    assert f"✓ openai: 127.0.0.1:{port} answers" in asked
    _, gone = run(tmp_path, "--network", OPENAI_BASE_URL=address)
    assert f"! openai: 127.0.0.1:{port} does not answer" in gone


def turn(number: int, *, follows: bool, kind: str = "") -> Iterator[AgentEvent]:
    """Make a turn that changes a file, or a complaint about the one before."""
    name = TurnId(f"t{number}{kind}")
    yield TurnStarted(session_id=SessionId("s"), turn_id=name, prompt="hi")
    yield RouteDecided(
        route=RouteDecision(
            router="mine",
            tier=Tier.SIMPLE,
            model=ModelId("acme/fast"),
            reason=RouteReason.SCORE,
            reasons=(),
            continues_task=follows,
        )
    )
    if kind:
        yield EvidenceNoted(kind=kind)
    yield replace(called("ok"), files_changed=("a.py",))
    yield replace(finished(), turn_id=name)


def fill(tmp_path: Path, *, bad: int, good: int) -> None:
    """Store tasks: bad ones of which only the user complained, and good ones."""

    async def work() -> None:
        store = await SqliteSessions.open(tmp_path / "home" / "sessions.db", now=local_now)
        session_id = await store.create(project="/shop", title="hi")
        for number in range(bad):
            events = [*turn(number, follows=False), *turn(number, follows=True, kind="complaint")]
            await store.append(session_id, events)
        for number in range(bad, bad + good + 1):
            await store.append(session_id, list(turn(number, follows=False)))
        await store.aclose()

    (tmp_path / "home").mkdir(mode=0o700)
    asyncio.run(work())


@pytest.mark.parametrize(
    ("bad", "setting", "is_advised"),
    [
        pytest.param(20, "on", True, id="enough, and no failure was noticed"),
        pytest.param(19, "on", False, id="one too few"),
        pytest.param(20, "off", False, id="it is off already"),
    ],
)
def test_useless_escalation_is_advised_against(
    tmp_path: Path, bad: int, setting: str, *, is_advised: bool
) -> None:
    fill(tmp_path, bad=bad, good=20)
    (tmp_path / "home" / "config.toml").write_text(f'escalation = "{setting}"\n')
    _, out = run(tmp_path, OPENAI_API_KEY="k")
    words = "! escalation does more harm than good here: it notices 0% of the failures"
    assert (words in out) is is_advised
