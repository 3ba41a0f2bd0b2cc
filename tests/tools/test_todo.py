"""The plan: replaced as a whole, read generously."""

import pytest

from ralex.errors import ToolError
from ralex.tools.base import TodoItem, ToolContext
from ralex.tools.todo import TodoTool


async def test_the_plan_is_replaced_and_shown(context: ToolContext) -> None:
    context.todos = (TodoItem(text="old"),)
    outcome = await TodoTool().run(
        {
            "todos": [
                {"content": "read the parser", "status": "completed"},
                {"text": "fix  it\n", "status": "in-progress"},
                "run the tests",
            ]
        },
        context,
    )
    assert outcome.text == "[x] read the parser\n[>] fix it\n[ ] run the tests"
    assert outcome.summary == "1 of 3 done"
    assert list(context.todos)[1] == TodoItem(text="fix it", status="in_progress")


async def test_the_plan_may_come_as_json_text(context: ToolContext) -> None:
    await TodoTool().run({"items": '[{"text": "a", "status": "done"}]'}, context)
    assert context.todos == (TodoItem(text="a", status="done"),)


async def test_the_plan_may_come_as_a_list_in_markdown(context: ToolContext) -> None:
    await TodoTool().run({"items": "- [x] read\n* [>] fix\n\n3. run\n"}, context)
    assert [(item.text, item.status) for item in context.todos] == [
        ("read", "done"),
        ("fix", "in_progress"),
        ("run", "pending"),
    ]


async def test_other_names_for_a_step_and_its_state_are_understood(context: ToolContext) -> None:
    items = [
        {"step": "a", "state": "completed"},
        {"title": "b\x1b[31m\x07", "done": True},
        {"name": 3},
    ]
    await TodoTool().run({"items": items}, context)
    assert context.todos == (
        TodoItem(text="a", status="done"),
        TodoItem(text="b", status="done"),
        TodoItem(text="3"),
    )


@pytest.mark.parametrize("items", ['[{"text": "a"', "null", "", '{"text": "a"'])
async def test_half_a_plan_changes_nothing(context: ToolContext, items: str) -> None:
    with pytest.raises(ToolError):
        await TodoTool().run({"items": items}, context)
    assert context.todos == ()


@pytest.mark.parametrize(
    "items",
    [
        [{"status": "done"}],
        [{"text": {"a": 1}}],
        [{"text": "a", "status": "perhaps"}],
        [5],
        ["x"] * 51,
    ],
)
async def test_a_wrong_plan_changes_nothing(context: ToolContext, items: list[object]) -> None:
    with pytest.raises(ToolError):
        await TodoTool().run({"items": items}, context)
    assert context.todos == ()


def test_the_title_says_what_is_being_done() -> None:
    tool = TodoTool()
    assert tool.title({"items": [{"text": "fix it", "status": "in_progress"}]}) == "fix it"
    assert tool.title({"items": ["a", "b"]}) == "2 items"
    assert tool.title({}) == "todo"
