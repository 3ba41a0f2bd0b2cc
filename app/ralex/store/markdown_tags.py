"""Keep what looks like an HTML tag in Markdown from being one: it would vanish, or run."""

import re

_FENCE = re.compile(r"[\s>*+\-\d.)]*(`{3,}|~{3,})")
_CODE_OR_TAG = re.compile(r"(?<![`\\])(`+)(?!`).*?(?<!`)\1(?!`)|<(?=[A-Za-z/!?])")


def without_tags(text: str) -> str:
    """Write ``<`` before a tag as ``&lt;``, outside code, and close a fence that was left open."""
    fence = ""
    lines: list[str] = []
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if not fence:
            fence = mark[1] if mark else ""
            lines.append(line if mark else _CODE_OR_TAG.sub(_escaped, line))
            continue
        if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
            fence = ""
        lines.append(line)
    return "\n".join([*lines, fence] if fence else lines)


def _escaped(found: re.Match[str]) -> str:
    return "&lt;" if found[0] == "<" else found[0]
