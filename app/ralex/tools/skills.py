"""Skills: folders with a SKILL.md that says when and how to do something, found but not read.

Name and description stand in the conversation; the body is loaded when the model asks for it. A
project's skills are text like its other files: they are told, never run.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ralex.core.records import dataclass

MAX_SKILLS = 40
MAX_BODY_BYTES = 32 * 1024
_MAX_HEAD_BYTES = 8 * 1024
_MAX_DESCRIPTION = 240
_MAX_LISTED_CHARS = 5000
_MAX_ENTRIES = 200
_PROJECT_FOLDERS = (".ralex/skills", ".claude/skills", ".opencode/skill", ".opencode/skills")
_NAME = re.compile(r"[\w][\w.:-]{0,63}")
_FIELD = re.compile(r"([A-Za-z][\w-]*)\s*:\s*(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """One skill.

    Attributes:
        description: On one line.
        path: Its SKILL.md, links followed.
    """

    name: str
    description: str
    path: Path


def find_skills(cwd: Path, environment: Mapping[str, str]) -> dict[str, Skill]:
    """Find the skills of the project and the user by name; the nearest of a name counts.

    Args:
        cwd: The project's folder.
        environment: Says where the user's configuration is.
    """
    found: dict[str, Skill] = {}
    root = cwd.resolve()
    for folder, inside in _places(root, environment):
        for path in _files(folder):
            if len(found) >= MAX_SKILLS:
                return found
            # A project's link must not bring a file from elsewhere into the conversation.
            if inside is not None and not path.is_relative_to(inside):
                continue
            skill = _read(path, default=path.parent.name)
            if skill is not None:
                found.setdefault(skill.name, skill)
    return found


def listed(skills: Mapping[str, Skill]) -> str:
    """Tell the model which skills there are, in bounded length; empty if there are none."""
    if not skills:
        return ""
    lines: list[str] = []
    room = _MAX_LISTED_CHARS
    for name in sorted(skills):
        line = f"- {name}: {skills[name].description}"
        room -= len(line)
        lines.append(line if room > 0 else f"- {name}")
    return (
        '<skills>\nInstructions for kinds of tasks. Load one with more, tool "skill", input its '
        "name, before you begin such a task.\n" + "\n".join(lines) + "\n</skills>"
    )


def body_of(skill: Skill) -> str:
    """Read a skill's instructions, without the head of its file, up to 32 KB.

    Raises:
        OSError: If the file is gone.
    """
    data = _start_of(skill.path, MAX_BODY_BYTES + 1)
    text = data[:MAX_BODY_BYTES].decode("utf-8", "replace").replace("\r\n", "\n")
    _, body = _split(text)
    if len(data) > MAX_BODY_BYTES:
        body += f"\n[cut at {MAX_BODY_BYTES} bytes]"
    return body.strip("\n")


def _places(root: Path, environment: Mapping[str, str]) -> Iterator[tuple[Path, Path | None]]:
    """Give the folders to look into, and within what their files must lie."""
    top = next((one for one in (root, *root.parents) if (one / ".git").exists()), root)
    for place in dict.fromkeys((root, top)):
        for name in _PROJECT_FOLDERS:
            yield place / name, top
    home = environment.get("HOME", "")
    configured = environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    if configured.startswith("/"):
        yield Path(configured) / "ralex" / "skills", None


def _files(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)[:_MAX_ENTRIES]
    except OSError:
        return []
    found: list[Path] = []
    for name in names:
        try:
            path = (folder / name / "SKILL.md").resolve()
            if path.is_file():
                found.append(path)
        except (OSError, RuntimeError):
            continue
    return found


def _read(path: Path, *, default: str) -> Skill | None:
    try:
        text = _start_of(path, _MAX_HEAD_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
    head, body = _split(text.replace("\r\n", "\n"))
    fields = _fields(head)
    name = fields.get("name", default)
    if not _NAME.fullmatch(name):
        name = default
    if not _NAME.fullmatch(name):
        return None
    first = next((line.strip("# ") for line in body.split("\n") if line.strip("# ")), "")
    description = " ".join((fields.get("description") or first).split())
    if len(description) > _MAX_DESCRIPTION:
        description = description[: _MAX_DESCRIPTION - 1] + "…"
    return Skill(name=name, description=description, path=path)


def _start_of(path: Path, most_bytes: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(most_bytes)


def _split(text: str) -> tuple[str, str]:
    """Part the head between two lines of dashes from the body."""
    text = text.removeprefix("\ufeff")
    if not text.startswith("---\n"):
        return "", text
    head, mark, body = text[4:].partition("\n---")
    return (head, body.partition("\n")[2]) if mark else ("", text)


def _fields(head: str) -> dict[str, str]:
    """Read the plain ``key: value`` lines of a head, values over several lines joined."""
    fields: dict[str, str] = {}
    key = ""
    for line in head.split("\n"):
        if line[:1] in (" ", "\t") and key:
            fields[key] = f"{fields[key]} {line.strip()}".strip()
            continue
        match = _FIELD.fullmatch(line.rstrip())
        if match is None:
            key = ""
            continue
        key, value = match[1].casefold(), match[2].strip()
        fields[key] = "" if value in (">", "|", ">-", "|-", ">+", "|+") else value
    return {name: _unquoted(value) for name, value in fields.items()}


def _unquoted(value: str) -> str:
    for mark in ("'", '"'):
        if len(value) > 1 and value[0] == value[-1] == mark:
            return value[1:-1].replace(mark * 2 if mark == "'" else '\\"', mark)
    return value
