"""Calls that a weak model writes as text are run; examples and cut-off text are not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.agent.text_calls import with_text_calls
from ralex.core.events import TurnFinished
from ralex.core.messages import AssistantMessage, ToolCall
from ralex.core.stream import FinishReason
from ralex.providers.scripted import ScriptedStep
from tests.agent.script import DONE, HELLO, finished_calls
from tests.agent.stand import Stand, play

PATH = '{"path": "a.txt"}'
READ = '{"name": "read", "arguments": {"path": "a.txt"}}'
QWEN = (
    "<tool_call>\n<function=read>\n<parameter=path>\na.txt\n</parameter>\n</function>\n</tool_call>"
)
BAR = "\uff5c"
DSML = (
    f"<{BAR}DSML{BAR}function_calls>\n"
    f'<{BAR}DSML{BAR}invoke name="read">\n'
    f'<{BAR}DSML{BAR}parameter name="path" string="true">a.txt</{BAR}DSML{BAR}parameter>\n'
    f"</{BAR}DSML{BAR}invoke>\n</{BAR}DSML{BAR}function_calls>"
)


def calls_in(text: str) -> AssistantMessage:
    return with_text_calls(AssistantMessage(text=text), known=("read", "bash"), prefix="t")


@pytest.mark.parametrize(
    "text",
    [
        f"I look.\n<tool_call>\n{READ}\n</tool_call>",
        f"I look.\n```json\n{READ}\n```",
        f"I look.\n```\n{READ}\n```\n",
        f"I look.\n<tool_call>{json.dumps({'name': 'read', 'arguments': PATH})}</tool_call>",
        f"I look.\n{DSML}",
        'I look.\n<invoke name="read"><parameter name="path">a.txt</parameter></invoke>',
        f"I look.\n{QWEN}",
    ],
    ids=["tagged", "fenced", "bare-fence", "double-encoded", "dsml", "invoke", "qwen"],
)
def test_a_call_written_as_text_is_a_call(text: str) -> None:
    message = calls_in(text)
    assert message.text == "I look."
    assert [call.name for call in message.tool_calls] == ["read"]
    assert json.loads(message.tool_calls[0].arguments_json) == {"path": "a.txt"}


def test_several_calls_have_ids_of_their_own() -> None:
    message = calls_in(f"<tool_call>{READ}</tool_call>\n<tool_call>{READ}</tool_call>")
    assert [call.id for call in message.tool_calls] == ["t_0", "t_1"]


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "fly", "arguments": {}}</tool_call>',
        f"A call looks like this:\n```json\n{READ}\n```\nTry it yourself.",
        f"<tool_call>\n{READ}",
        '<tool_call>{"name": "read", "arguments": {"path": "a.t</tool_call>',
        '```json\n{"name": "read", "version": "1.0"}\n```',
        "```json\n[1, 2]\n```",
        "",
        "```\n```\n```",
    ],
    ids=["unknown", "example", "unclosed", "cut", "package.json", "list", "empty", "fences"],
)
def test_what_only_resembles_a_call_stays_text(text: str) -> None:
    message = AssistantMessage(text=text)
    assert calls_in(text) == message


def test_a_reply_with_real_calls_is_left_alone() -> None:
    real = ToolCall(
        id=calls_in(f"```\n{READ}\n```").tool_calls[0].id, name="bash", arguments_json=""
    )
    message = AssistantMessage(text=f"<tool_call>{READ}</tool_call>", tool_calls=(real,))
    assert with_text_calls(message, known=("read",), prefix="t") is message


@given(st.text(alphabet="<>`/{}\"' \ntool_calinvkefundp=jsr:", max_size=200))
def test_any_text_is_either_kept_or_holds_known_calls(text: str) -> None:
    message = calls_in(text)
    assert message.text == text or all(call.name in {"read", "bash"} for call in message.tool_calls)


async def test_a_turn_runs_calls_written_as_text(stand: Stand) -> None:
    (stand.project / "a.txt").write_text("alpha\n")
    session = await stand.open([ScriptedStep(text=f"<tool_call>{READ}</tool_call>"), DONE])
    events = await play(session, HELLO)
    assert isinstance(events[-1], TurnFinished)
    assert "alpha" in finished_calls(events)[0].output
    sent = stand.provider.requests[1].messages[-2]
    assert isinstance(sent, AssistantMessage)
    assert sent.tool_calls


async def test_text_cut_by_the_output_limit_is_never_run(stand: Stand) -> None:
    (stand.project / "a.txt").write_text("alpha\n")
    cut = ScriptedStep(text=f"<tool_call>{READ}</tool_call>", finish_reason=FinishReason.LENGTH)
    session = await stand.open([cut])
    assert not finished_calls(await play(session, HELLO))


GLM = "<tool_call>read\n<arg_key>path</arg_key>\n<arg_value>a.txt</arg_value>\n</tool_call>"
KIMI = (
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.read:0<|tool_call_argument_begin|>"
    f"{PATH}<|tool_call_end|><|tool_calls_section_end|>"
)


@pytest.mark.parametrize(
    "call",
    [GLM, KIMI, f"[TOOL_CALLS]read{PATH}", f"[TOOL_CALLS]read[ARGS]{PATH}"],
    ids=["glm", "kimi", "mistral", "mistral-args"],
)
def test_the_raw_forms_of_model_families_are_calls(call: str) -> None:
    message = calls_in(f"I look.\n{call}")
    assert message.text == "I look."
    assert [one.name for one in message.tool_calls] == ["read"]
    assert json.loads(message.tool_calls[0].arguments_json) == {"path": "a.txt"}


def test_a_reply_that_is_nothing_but_a_call_is_a_call() -> None:
    assert [call.name for call in calls_in(f" {READ}\n").tool_calls] == ["read"]
    answer = '{"name": "read", "size": 3}'
    assert not calls_in(answer).tool_calls
    assert not calls_in(f"{READ}\nThat is how it looks.").tool_calls
