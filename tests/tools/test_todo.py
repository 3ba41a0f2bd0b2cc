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


@pytest.mark.parametrize(
    "items", [[{"status": "done"}], [{"text": "a", "status": "perhaps"}], [5], ["x"] * 51]
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
