"""Calls as they come from small models and careless servers: other names, ids used before."""

import json

import pytest

from ralex.agent.received import received, tool_name
from ralex.core.events import Notice, TurnFinished
from ralex.core.ids import CallId
from ralex.core.messages import AssistantMessage, ToolCall
from ralex.core.stream import FinishReason
from ralex.providers.scripted import ScriptedCall, ScriptedStep
from tests.agent.script import DONE, HELLO, finished_calls, of, step
from tests.agent.stand import Stand, play

KNOWN = ("read", "write", "edit", "bash", "web_fetch", "ask_user")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("read", "read"),
        ("Read", "read"),
        ("functions.bash", "bash"),
        ("default_api:bash", "bash"),
        ("run_shell_command", "bash"),
        ("BashTool", "bash"),
        ("read_file", "read"),
        ("str_replace", "edit"),
        ("WebFetch", "web_fetch"),
        ("web-fetch", "web_fetch"),
        ("grep_search", "grep_search"),
        ("frobnicate", "frobnicate"),
        ("mcp.x/y z", "mcp_x_y_z"),
        ("", "unnamed"),
        ("x" * 100, "x" * 64),
    ],
)
def test_a_tool_is_known_by_the_names_that_others_give_it(name: str, expected: str) -> None:
    assert tool_name(name, KNOWN) == expected


def test_ids_that_came_before_are_made_anew() -> None:
    calls = tuple(
        ToolCall(id=CallId(one), name="read", arguments_json="{}") for one in ("a", "b", "b", "")
    )
    message = received(
        AssistantMessage(text="", tool_calls=calls),
        known=KNOWN,
        is_used=lambda call_id: call_id == "a",
        prefix="t",
    )
    assert [call.id for call in message.tool_calls] == ["t_0", "b", "t_2", "t_3"]


def test_a_reply_that_is_in_order_stays_the_very_same() -> None:
    call = ToolCall(id=CallId("a"), name="read", arguments_json="{}")
    message = AssistantMessage(text="", tool_calls=(call,))
    assert received(message, known=KNOWN, is_used=lambda _: False, prefix="t") is message


async def test_a_call_by_another_name_runs_and_stands_so_in_the_conversation(stand: Stand) -> None:
    call = ScriptedCall(name="functions.Run_Command", arguments={"cmd": "touch made"})
    session = await stand.open([step(call), DONE])
    assert finished_calls(await play(session, HELLO))[0].name == "bash"
    assert (stand.project / "made").exists()
    sent = stand.provider.requests[-1].messages
    assert [one.name for m in sent if isinstance(m, AssistantMessage) for one in m.tool_calls] == [
        "bash"
    ]


async def test_a_call_by_another_name_in_text_runs(stand: Stand) -> None:
    text = json.dumps({"name": "execute_command", "arguments": {"command": "touch made"}})
    session = await stand.open([ScriptedStep(text=f"<tool_call>{text}</tool_call>"), DONE])
    await play(session, HELLO)
    assert (stand.project / "made").exists()


async def test_an_answer_cut_by_a_filter_says_so(stand: Stand) -> None:
    cut = ScriptedStep(text="Half", finish_reason=FinishReason.CONTENT_FILTER)
    events = await play(await stand.open([cut]), HELLO)
    assert of(events, TurnFinished)[0].stop_reason == "content_filter"
    assert "content filter" in of(events, Notice)[-1].text
