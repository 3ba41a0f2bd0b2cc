"""Calls that model families write as text when their server does not take them out."""

import json
import time

import pytest

from ralex.agent.text_calls import with_text_calls
from ralex.core.messages import AssistantMessage

GIVEN = '{"command": "ls"}'
NAMED = '{"name": "bash", "arguments": {"command": "ls"}}'


def calls_in(text: str) -> AssistantMessage:
    return with_text_calls(AssistantMessage(text=text), known=("read", "bash"), prefix="t")


DIALECTS = {
    "llama": f"<|python_tag|>{NAMED}<|eom_id|>",
    "llama function": f"<function=bash>{GIVEN}</function>",
    "deepseek v3": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>bash\n"
    f"```json\n{GIVEN}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "deepseek v3.1": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>bash<｜tool▁sep｜>"
    f"{GIVEN}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "mistral": f"[TOOL_CALLS] [{NAMED}]",
    "granite": f"<|tool_call|>[{NAMED}]",
    "nemotron": f"<TOOLCALL>[{NAMED}]</TOOLCALL>",
    "minimax": '<minimax:tool_call>\n<invoke name="bash">\n<parameter name="command">ls</parameter>'
    "\n</invoke>\n</minimax:tool_call>",
    "gpt-oss": "<|channel|>commentary to=functions.bash <|constrain|>json<|message|>"
    f"{GIVEN}<|call|>",
    "gemma": '```tool_code\nprint(bash(command="ls"))\n```',
    "cline": "<execute_command>\n<command>ls</command>\n</execute_command>",
    "named": f'<tool_call name="bash">{GIVEN}</tool_call>',
    "used": '<tool_use>{"name": "bash", "input": {"command": "ls"}}</tool_use>',
}


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS.keys())
def test_a_call_in_the_words_of_its_family_is_a_call(text: str) -> None:
    message = calls_in(f"I look.\n{text}")
    assert message.text == "I look."
    assert [call.name for call in message.tool_calls] == ["bash"]
    assert json.loads(message.tool_calls[0].arguments_json) == {"command": "ls"}


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS.keys())
def test_a_call_that_is_cut_off_anywhere_is_none(text: str) -> None:
    for end in range(1, len(text)):
        for call in calls_in(text[:end]).tool_calls:  # only closing marks may be missing
            assert json.loads(call.arguments_json) == {"command": "ls"}


@pytest.mark.parametrize(
    "text",
    [
        f"<function=bash>not JSON {GIVEN}</function>",
        f"[TOOL_CALLS] [{NAMED}, 1]",
        '```tool_code\nbash("ls")\n```',
        '```tool_code\nbash(command=open("x").read())\n```',
        "```tool_code\nx = 1\n```",
        "<execute_command>ls</execute_command>",
        f"It writes <tool_use>{NAMED}</tool_use> and goes on.",
    ],
)
def test_what_is_not_understood_stays_text(text: str) -> None:
    assert calls_in(text).tool_calls == ()


@pytest.mark.parametrize(
    "piece", ["<tool_call>{", "<function=a>{", "x to=a<|message|>", "<read_file><a></a>", "```\n{"]
)
def test_a_text_full_of_marks_is_read_in_time(piece: str) -> None:
    start = time.process_time()
    for count in (90, 190, 15_000):
        text = (piece * count)[:200_000]
        assert calls_in(text + "x" * (200_000 - len(text))).tool_calls == ()
    assert time.process_time() - start < 20  # minutes where each mark is held against each other
