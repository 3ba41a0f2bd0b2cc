"""Skills: found by their heads, told briefly, loaded when asked for, and only text."""

import os
from pathlib import Path

import pytest

from ralex.errors import ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.read import ReadTool
from ralex.tools.skill import SkillTool, read_skill
from ralex.tools.skills import MAX_BODY_BYTES, MAX_SKILLS, find_skills, listed

HEAD = "---\nname: {name}\ndescription: {description}\n---\n\n# Body of {name}\n"


def put(folder: Path, name: str, text: str = "", description: str = "Says when.") -> Path:
    path = folder / name / "SKILL.md"
    path.parent.mkdir(parents=True)
    path.write_text(text or HEAD.format(name=name, description=description))
    return path


def names(context: ToolContext) -> list[str]:
    return sorted(find_skills(context.cwd, context.environment))


async def load(context: ToolContext, text: str) -> ToolOutcome:
    return await SkillTool().run(read_skill(text), context)


def test_skills_of_the_project_and_the_user_are_found(
    context: ToolContext, workspace: Path, tmp_path: Path
) -> None:
    put(workspace / ".ralex/skills", "a")
    put(workspace / ".claude/skills", "b")
    put(workspace / ".opencode/skill", "c")
    put(workspace / ".opencode/skills", "d")
    put(tmp_path / "home/.config/ralex/skills", "e")
    assert names(context) == ["a", "b", "c", "d", "e"]


def test_those_at_the_top_of_the_repository_are_found_from_a_folder_in_it(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / ".git").mkdir()
    (workspace / "sub").mkdir()
    put(workspace / ".claude/skills", "a", description="outer")
    put(workspace / "sub/.claude/skills", "a", description="inner")
    found = find_skills(workspace / "sub", context.environment)
    assert found["a"].description == "inner"


@pytest.mark.parametrize(
    ("text", "name", "description"),
    [
        ("---\nname: x-y\ndescription: Plain.\n---\nbody", "x-y", "Plain."),
        ("---\ndescription: 'it''s quoted'\nname: \"x\"\n---\nbody", "x", "it's quoted"),
        (
            "---\nname: x\ndescription: >\n  over two\n  lines\nother: 1\n---\nb",
            "x",
            "over two lines",
        ),
        ("---\r\nname: x\r\ndescription: d\r\n---\r\nbody", "x", "d"),
        ("# No head\nbody", "folder", "No head"),
        ("---\nname: ../../etc\n---\n\nFirst line.", "folder", "First line."),
        ("---\nname: never closed", "folder", "---"),
    ],
)
def test_the_head_is_read_as_people_write_it(
    context: ToolContext, workspace: Path, text: str, name: str, description: str
) -> None:
    path = workspace / ".ralex/skills/folder/SKILL.md"
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode())
    (found,) = find_skills(workspace, context.environment).values()
    assert (found.name, found.description) == (name, description)


async def test_a_skill_is_loaded_with_the_names_of_its_files(
    context: ToolContext, workspace: Path
) -> None:
    folder = put(workspace / ".ralex/skills", "release").parent
    (folder / "scripts").mkdir()
    (folder / "notes.md").write_text("x")
    outcome = await load(context, "release")
    assert outcome.text.startswith("# Body of release")
    assert "description:" not in outcome.text
    assert f"[Files of this skill in {folder}: notes.md, scripts/]" in outcome.text


async def test_the_files_of_a_users_skill_may_be_read_once_it_is_loaded(
    context: ToolContext, tmp_path: Path
) -> None:
    folder = put(tmp_path / "home/.config/ralex/skills", "a").parent
    (folder / "notes.md").write_text("more")
    arguments = {"path": str(folder / "notes.md")}
    with pytest.raises(ToolError, match="outside"):
        await ReadTool().run(arguments, context)
    await load(context, "a")
    assert (await ReadTool().run(arguments, context)).text == "1→more"


async def test_a_long_body_is_cut(context: ToolContext, workspace: Path) -> None:
    put(workspace / ".ralex/skills", "a", "---\nname: a\n---\n" + "words " * 20_000)
    text = (await load(context, "a")).text
    assert len(text) < MAX_BODY_BYTES + 200
    assert "[cut at" in text


async def test_an_unknown_name_leads_to_the_known_ones(
    context: ToolContext, workspace: Path
) -> None:
    with pytest.raises(ToolError, match="there are: none"):
        await load(context, "release")
    put(workspace / ".ralex/skills", "release")
    with pytest.raises(ToolError, match="there are: release"):
        await load(context, "relase")


async def test_a_projects_link_brings_no_file_from_elsewhere(
    context: ToolContext, workspace: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "id_rsa"
    secret.write_text("secret")
    folder = workspace / ".claude/skills/a"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").symlink_to(secret)
    elsewhere = put(tmp_path / "elsewhere", "b").parent
    (workspace / ".claude/skills/b").symlink_to(elsewhere)
    assert names(context) == []


async def test_what_is_no_file_holds_nobody_up(context: ToolContext, workspace: Path) -> None:
    folder = workspace / ".ralex/skills"
    for name in ("pipe", "loop", "folder"):
        (folder / name).mkdir(parents=True)
    os.mkfifo(folder / "pipe" / "SKILL.md")
    (folder / "loop" / "SKILL.md").symlink_to("SKILL.md")
    (folder / "folder" / "SKILL.md").mkdir()
    assert names(context) == []


def test_the_list_is_bounded_and_empty_without_skills(
    context: ToolContext, workspace: Path
) -> None:
    assert listed(find_skills(workspace, context.environment)) == ""
    for number in range(MAX_SKILLS + 20):
        put(workspace / ".ralex/skills", f"skill-{number:03}", description="long " * 200)
    text = listed(find_skills(workspace, context.environment))
    assert text.count("\n- ") == MAX_SKILLS
    assert len(text) < 7_000
    assert "- skill-039" in text
