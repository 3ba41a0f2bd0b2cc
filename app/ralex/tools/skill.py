"""Load the instructions of a skill."""

import asyncio
import difflib
import os
from collections.abc import Mapping

from ralex.core.messages import ToolSpec
from ralex.errors import ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.params import SKILL_ALIASES, Param, Params
from ralex.tools.skills import Skill, body_of, find_skills
from ralex.tools.titles import title_from

USAGE = "skill NAME: instructions for a kind of task"

_MAX_FILES = 30
_PARAMS = Params(Param(name="name", required=True, aliases=SKILL_ALIASES))


def read_skill(text: str) -> Mapping[str, object]:
    """Take the whole input as the name."""
    return {"name": text.lstrip("/")}


class SkillTool:
    """Loads skills."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        return ToolSpec(
            name="skill",
            description="Load the instructions of a skill.",
            schema_json=_PARAMS.schema_json,
        )

    @property
    def is_mutating(self) -> bool:
        """Instructions are only read."""
        return False

    def title(self, arguments: Mapping[str, object]) -> str:
        """Name the skill."""
        return title_from(arguments, ("name", "skill"), "skill")

    async def run(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """Give a skill's text and the names of its files.

        Raises:
            ToolError: If there is none of this name.
        """
        name = _PARAMS.coerce(arguments).text("name").strip()
        return await asyncio.to_thread(_load, name, context)


def _load(name: str, context: ToolContext) -> ToolOutcome:
    skills = find_skills(context.cwd, context.environment)
    skill = skills.get(name)
    if skill is None:
        near = difflib.get_close_matches(name, list(skills), n=3, cutoff=0.5)
        names = ", ".join(near or sorted(skills)) or "none"
        raise ToolError(f"there is no skill {name!r}; there are: {names}")
    try:
        text = body_of(skill)
    except OSError as error:
        raise ToolError(f"the skill {name} cannot be read: {error.strerror or error}") from error
    folder = skill.path.parent
    if folder not in context.readable_roots:
        context.readable_roots = (*context.readable_roots, folder)
    files = _files(skill)
    more = f"\n\n[Files of this skill in {folder}: {', '.join(files)}]" if files else ""
    return ToolOutcome(text=f"{text}{more}", summary=f"{len(text):,} characters")


def _files(skill: Skill) -> list[str]:
    """Name what lies beside the instructions."""
    try:
        with os.scandir(skill.path.parent) as entries:
            names = sorted(
                f"{entry.name}/" if entry.is_dir() else entry.name
                for entry in entries
                if entry.name != "SKILL.md"
            )
    except OSError:
        return []
    return [*names[:_MAX_FILES], "…"] if len(names) > _MAX_FILES else names
