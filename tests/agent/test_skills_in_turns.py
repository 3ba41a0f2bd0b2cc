"""Skills in a session: named once at its beginning, loaded through ``more``."""

from dataclasses import replace

import pytest

from ralex.config.model import Config, WebFetch
from ralex.core.events import ApprovalRequested
from ralex.providers.scripted import ScriptedCall
from tests.agent.script import DONE, HELLO, breaks, finished_calls, of, step, user_texts
from tests.agent.stand import Stand, play
from tests.agent.test_permissions import answered, rule, ruled
from tests.tools.web_server import reply, serving


def with_private(config: Config) -> Config:
    return replace(config, web_fetch=WebFetch(allow_private=True))


def fetch(url: str) -> ScriptedCall:
    return ScriptedCall(name="more", arguments={"tool": "web_fetch", "input": url})


async def test_skills_are_named_once_and_loaded_on_demand(stand: Stand) -> None:
    folder = stand.project / ".claude/skills/release"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: release\ndescription: Cut one.\n---\nTag it.\n")
    call = ScriptedCall(name="more", arguments={"tool": "skill", "input": "release"})
    session = await stand.open([step(call), DONE, DONE])
    (done,) = finished_calls(await play(session, HELLO))
    assert (done.name, done.is_error) == ("skill", False)
    assert done.output.startswith("Tag it.")
    await play(session, "Thanks, list the files.")
    requests = stand.provider.requests
    told = [text for text in user_texts(requests[-1].messages) if "- release: Cut one." in text]
    assert len(told) == 1
    assert breaks(requests) == 0


async def test_without_skills_nothing_is_said_of_them(stand: Stand) -> None:
    session = await stand.open([DONE])
    await play(session, HELLO)
    assert "<skills>" not in user_texts(stand.provider.requests[0].messages)[0]


@pytest.mark.parametrize("mode", ["ask", "yolo", "plan"])
async def test_fetching_is_asked_about_in_the_mode_ask_alone(stand: Stand, mode: str) -> None:
    with serving(reply(b"secret plans")) as server:
        session = await stand.open(
            [step(fetch(server.url())), DONE], mode=mode, change=with_private
        )
        events = await answered(session, "deny")
        assert len(of(events, ApprovalRequested)) == (mode == "ask")
        assert len(server.requests) == (mode != "ask")


async def test_a_rule_for_a_host_holds_behind_more(stand: Stand) -> None:
    with serving(reply(b"secret plans")) as server:

        def change(config: Config) -> Config:
            return ruled(rule("web_fetch(127.0.0.1)", "deny"))(with_private(config))

        session = await stand.open([step(fetch(server.url())), DONE], change=change)
        (call,) = finished_calls(await play(session, HELLO))
        assert (call.refusal, server.requests) == ("denied", [])


async def test_private_addresses_need_the_users_word(stand: Stand) -> None:
    with serving(reply(b"secret plans")) as server:
        session = await stand.open([step(fetch(server.url())), DONE])
        (call,) = finished_calls(await play(session, HELLO))
        assert "allow_private" in call.output
        assert server.requests == []
