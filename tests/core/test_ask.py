"""What counts as the ask."""

import time

import pytest

from ralex.core.ask import ask_of, ask_of_conversation, human_text, without_blocks
from ralex.core.ids import CallId
from ralex.core.messages import AssistantMessage, ToolResultMessage, UserMessage


def user(content: object) -> dict[str, object]:
    return {"role": "user", "content": content}


@pytest.mark.parametrize(
    ("messages", "ask"),
    [
        ([user("one"), {"role": "assistant", "content": "x"}, user(" two ")], "two"),
        ([user("one"), {"role": "tool", "content": "a result"}], "one"),
        ([user("one"), user([{"type": "tool_result", "content": "a result"}])], "one"),
        ([user("one"), user("  ")], "one"),
        (
            [
                user(
                    [
                        {"type": "text", "text": "a"},
                        {"type": "image"},
                        {"type": "text", "text": "b"},
                    ]
                )
            ],
            "a b",
        ),
        ([user([{"type": "text", "text": None}, "loose", {"type": "text"}])], ""),
        ([{"role": "developer", "content": "rules"}, {"role": "system", "content": "s"}], ""),
        ([user(None)], ""),
        ([], ""),
        ([user("one"), user("<system-reminder>todo</system-reminder>")], "one"),
    ],
    ids=[
        "newest",
        "tool role",
        "tool result",
        "blank",
        "parts",
        "odd parts",
        "other roles",
        "null",
        "none",
        "reminder only",
    ],
)
def test_the_newest_human_text_is_the_ask(messages: list[dict[str, object]], ask: str) -> None:
    assert ask_of(messages) == ask


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("fix it <system-reminder>be nice</system-reminder> now", "fix it now"),
        ("<SYSTEM-Reminder>a</system-REMINDER>fix<system-reminder>b</system-reminder>", "fix"),
        ("fix it <system-reminder>never closed", "fix it <system-reminder>never closed"),
        ("fix </system-reminder> it", "fix </system-reminder> it"),
        ("İ <system-reminder>x</system-reminder>fix", "İ fix"),
        ("  fix  ", "fix"),
    ],
)
def test_complete_blocks_are_cut_and_unclosed_ones_stay(text: str, left: str) -> None:
    assert without_blocks(text) == left


def test_blocks_of_several_tags_may_overlap() -> None:
    markers = (("<a>", "</a>"), ("<b>", "</b>"))
    assert without_blocks("1<a>2<b>3</a>4</b>5", markers=markers) == "1 5"
    assert human_text("1<a>2<b>3</b>4</a>5", markers=markers) == "1 5"


def test_a_million_unclosed_tags_are_read_once() -> None:
    started = time.perf_counter()
    text = "<system-reminder>" * 60_000
    assert without_blocks(text) == text
    assert time.perf_counter() - started < 20


def test_the_ask_of_a_conversation_skips_tool_results_and_replies() -> None:
    conversation = (
        UserMessage(text="one"),
        UserMessage(text="two <system-reminder>x</system-reminder>"),
        AssistantMessage(text="three"),
        ToolResultMessage(call_id=CallId("c"), name="bash", text="four"),
    )
    assert ask_of_conversation(conversation) == "two"
    assert ask_of_conversation(conversation[2:]) == ""
