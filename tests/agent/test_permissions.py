"""Rules, answers and modes around the calls of a session."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ralex.agent.session import Session
from ralex.config.model import Config
from ralex.core.events import AgentEvent, ApprovalRequested, ContextAdded, Notice, QuestionAsked
from ralex.core.permissions import Effect, Layer, Rule, parse_rule
from ralex.errors import ConfigError, UsageError
from ralex.providers.scripted import ScriptedCall, ScriptedStep
from tests.agent.script import DONE, HELLO, breaks, finished_calls, of, shell, step, user_texts
from tests.agent.stand import Stand, play


def ruled(*rules: Rule) -> Callable[[Config], Config]:
    return lambda config: replace(config, permissions=rules)


def rule(name: str, effect: str, layer: Layer = Layer.USER) -> Rule:
    return parse_rule(name, Effect(effect), layer=layer, source="config.toml line 4")


async def answered(session: Session, choice: str, message: str = "") -> list[AgentEvent]:
    events: list[AgentEvent] = []
    async with session.turn(HELLO) as stream:
        async for event in stream:
            events.append(event)
            if isinstance(event, ApprovalRequested | QuestionAsked):
                session.answer(event.request_id, choice, message)
    return events


@pytest.mark.parametrize("mode", ["yolo", "ask", "plan"])
@pytest.mark.parametrize("layer", [Layer.USER, Layer.PROJECT])
async def test_a_denied_call_never_runs_and_the_model_hears_which_rule(
    stand: Stand, mode: str, layer: Layer
) -> None:
    rules = (rule("bash", "allow"), rule("bash(touch *)", "deny", layer))
    session = await stand.open(
        [step(shell("true && touch made")), DONE], mode=mode, change=ruled(*rules)
    )
    events = await answered(session, "allow")
    assert not (stand.project / "made").exists()
    call = finished_calls(events)[0]
    assert call.refusal == "denied"
    assert "bash(touch *) = deny (config.toml line 4)" in call.output


async def test_a_rule_can_ask_in_yolo_mode(stand: Stand) -> None:
    change = ruled(rule("bash(touch *)", "ask"))
    session = await stand.open([step(shell("touch made"), shell("true")), DONE], change=change)
    events = await answered(session, "deny")
    asked = of(events, ApprovalRequested)
    assert [one.choices for one in asked] == [("deny", "allow", "always")]
    assert asked[0].pattern == "bash(touch *)"
    assert "bash(touch *) = ask" in asked[0].reason
    assert not (stand.project / "made").exists()


async def test_where_nobody_is_there_the_model_is_not_told_of_a_denial(stand: Stand) -> None:
    session = await stand.open([step(shell("touch made")), DONE], mode="ask")
    events = await answered(session, "")
    told = finished_calls(events)[0]
    assert not (stand.project / "made").exists()
    assert told.refusal == "denied"
    assert "nobody is here to answer" in told.output
    assert "user denied" not in told.output


async def test_a_command_that_a_deny_may_cover_is_asked_about_in_these_words(stand: Stand) -> None:
    change = ruled(rule("bash(touch *)", "deny"))
    session = await stand.open([step(shell("x=touch; $x made")), DONE], change=change)
    events = await answered(session, "deny")
    assert "which may cover it" in of(events, ApprovalRequested)[0].reason


async def test_a_call_behind_more_is_asked_about_by_its_own_name(stand: Stand) -> None:
    hidden = ScriptedCall(name="more", arguments={"tool": "web_fetch", "input": "http://a.test/"})
    session = await stand.open([step(hidden), DONE], mode="ask")
    events = await answered(session, "deny")
    assert [one.name for one in of(events, ApprovalRequested)] == ["web_fetch"]
    assert [one.name for one in finished_calls(events)] == ["web_fetch"]


async def test_an_allowed_command_is_not_asked_about(stand: Stand) -> None:
    change = ruled(rule("bash(echo *)", "allow"))
    session = await stand.open(
        [step(shell("echo hi"), shell("echo hi && touch made")), DONE], mode="ask", change=change
    )
    events = await answered(session, "deny")
    assert len(of(events, ApprovalRequested)) == 1
    assert not (stand.project / "made").exists()


@pytest.mark.parametrize("alias", ["path", "file_path", "filePath", "target"])
async def test_a_rule_for_files_holds_under_every_name_of_the_argument(
    stand: Stand, alias: str
) -> None:
    (stand.project / "link").symlink_to(stand.project / "kept")
    change = ruled(rule("edit(kept)", "deny"))
    calls = [
        ScriptedCall(name="write", arguments={alias: name, "content": "x"})
        for name in ("kept", "./sub/../kept", "`kept`", "link", str(stand.project / "kept"))
    ]
    session = await stand.open([step(*calls), DONE], change=change)
    events = await play(session, HELLO)
    assert [call.refusal for call in finished_calls(events)] == ["denied"] * len(calls)
    assert not (stand.project / "kept").exists()


async def test_a_rule_for_reading_holds_for_read_only_tools(stand: Stand) -> None:
    (stand.project / "secret").write_text("x")
    call = ScriptedCall(name="read", arguments={"path": "secret"})
    session = await stand.open([step(call), DONE], change=ruled(rule("read(secret)", "deny")))
    assert finished_calls(await play(session, HELLO))[0].refusal == "denied"


async def test_always_holds_for_the_session_and_for_the_next_one(stand: Stand) -> None:
    steps = [step(shell("touch a")), step(shell("touch b")), DONE]
    session = await stand.open(steps, mode="ask")
    assert len(of(await answered(session, "always"), ApprovalRequested)) == 1
    assert (stand.project / "b").exists()
    stored = (stand.home / "permissions.toml").read_text()
    assert '"bash(touch *)" = "allow"' in stored
    assert str(stand.project) in stored

    later = await stand.open([step(shell("touch c")), DONE], mode="ask")
    assert not of(await answered(later, "deny"), ApprovalRequested)
    assert (stand.project / "c").exists()
    assert [one.name for one in later.permissions] == ["bash(touch *)"]


async def test_an_answer_can_be_taken_back(stand: Stand) -> None:
    session = await stand.open([step(shell("touch a")), DONE], mode="ask")
    await answered(session, "always")
    assert await session.forget_permission("bash(touch *)")
    assert not await session.forget_permission("bash(touch *)")
    assert "touch" not in (stand.home / "permissions.toml").read_text()
    later = await stand.open([step(shell("touch b")), DONE], mode="ask")
    assert of(await answered(later, "deny"), ApprovalRequested)


async def test_answers_that_cannot_be_read_stop_the_start_and_name_the_line(stand: Stand) -> None:
    stand.home.mkdir()
    (stand.home / "permissions.toml").write_text(f'["{stand.project}"]\n"bash(" = "allow"\n')
    with pytest.raises(ConfigError, match=r"permissions\.toml line 2"):
        await stand.open([DONE])


async def test_an_answer_that_cannot_be_stored_holds_all_the_same(stand: Stand) -> None:
    session = await stand.open([step(shell("touch a")), step(shell("touch b")), DONE], mode="ask")
    (stand.home / "permissions.toml").mkdir()
    events = await answered(session, "always")
    assert len(of(events, ApprovalRequested)) == 1
    assert any("permissions.toml" in notice.text for notice in of(events, Notice))


async def test_a_word_with_the_denial_reaches_the_model(stand: Stand) -> None:
    session = await stand.open([step(shell("touch made")), DONE], mode="ask")
    events = await answered(session, "deny", "use mkdir instead")
    assert finished_calls(events)[0].output.endswith("says: use mkdir instead")


async def test_the_mode_changes_between_steps_and_the_model_is_told(stand: Stand) -> None:
    session = await stand.open([step(shell("touch a")), step(shell("touch b")), DONE, DONE])
    async with session.turn(HELLO) as events:
        async for event in events:
            if isinstance(event, ContextAdded) and event.label == "environment":
                continue
            if not (stand.project / "a").exists():
                continue
            session.set_mode("plan")
    assert session.mode == "plan"
    assert not (stand.project / "b").exists()
    await play(session, HELLO)
    told = [text for text in user_texts(stand.provider.requests[-1].messages) if "<mode>" in text]
    assert len(told) == 1
    assert "plan" in told[0]
    assert breaks(stand.provider.requests) == 0


async def test_a_mode_that_the_model_knows_is_not_told_again_after_resuming(stand: Stand) -> None:
    first = await stand.open([DONE], mode="plan")
    await play(first, HELLO)
    later = await stand.open([DONE], mode="plan", continues=True)
    await play(later, HELLO)
    assert sum("<mode>" in one for one in user_texts(stand.provider.requests[-1].messages)) == 1
    freed = await stand.open([DONE], mode="yolo", continues=True)
    await play(freed, HELLO)
    assert "yolo" in user_texts(stand.provider.requests[-1].messages)[-1]


async def test_an_unknown_mode_is_refused(stand: Stand) -> None:
    session = await stand.open([DONE])
    with pytest.raises(UsageError, match="no mode"):
        session.set_mode("fast")
    assert session.mode == "yolo"


def question(text: str, *options: object) -> ScriptedStep:
    arguments = {"question": text, "options": list(options)}
    return step(ScriptedCall(name="ask_user", arguments=arguments))


async def test_a_question_waits_for_the_answer(stand: Stand) -> None:
    session = await stand.open([question("Which one?", "left", "right"), DONE])
    events = await answered(session, "right")
    assert of(events, QuestionAsked)[0].options == ("left", "right")
    assert finished_calls(events)[0].output == "The user answered: right"


async def test_answers_to_choose_from_may_be_objects_with_a_label(stand: Stand) -> None:
    left = {"label": "left", "description": "the short way"}
    session = await stand.open([question("Which one?", left, {"value": "right"}, 3, None), DONE])
    events = await answered(session, "right")
    assert of(events, QuestionAsked)[0].options == ("left", "right", "3")


async def test_a_question_without_an_answer_leaves_the_decision_to_the_model(stand: Stand) -> None:
    session = await stand.open([question("Which one?"), DONE])
    assert "No user is here" in finished_calls(await answered(session, ""))[0].output


async def test_a_search_does_not_show_what_may_not_be_read(stand: Stand) -> None:
    (stand.project / "vault").mkdir()
    (stand.project / "vault" / "key.txt").write_text("needle of the vault\n")
    (stand.project / "open.txt").write_text("needle in the open\n")
    calls = (
        ScriptedCall(name="grep", arguments={"pattern": "needle"}),
        ScriptedCall(name="grep", arguments={"pattern": "(?=needle)needle"}),  # not by ripgrep
        ScriptedCall(name="glob", arguments={"pattern": "**/*.txt"}),
    )
    rules = (rule("read(vault/**)", "deny"), rule("glob(vault)", "ask"))
    session = await stand.open([step(*calls), DONE], change=ruled(*rules))
    for call in finished_calls(await play(session, HELLO)):
        assert "open.txt" in call.output
        assert "vault" not in call.output


async def test_a_file_named_by_the_user_is_not_read_against_a_deny(stand: Stand) -> None:
    (stand.project / "secret").write_text("the word")
    session = await stand.open([DONE], change=ruled(rule("read(secret)", "deny")))
    await play(session, "What is in @secret?")
    told = "\n".join(user_texts(stand.provider.requests[-1].messages))
    assert "the word" not in told
    assert "not read: forbidden by the rule read(secret)" in told


async def test_a_deny_holds_where_its_folder_is_a_link(stand: Stand) -> None:
    (stand.project / "vault").mkdir()
    (stand.project / "vault" / "key").write_text("x")
    (stand.project / "secrets").symlink_to("vault")
    read_key = ScriptedCall(name="read", arguments={"path": "vault/key"})
    rules = (rule("read(secrets/**)", "deny"), rule("read(vault/**)", "allow"))
    session = await stand.open([step(read_key), DONE], change=ruled(*rules))
    assert finished_calls(await play(session, HELLO))[0].refusal == "denied"
