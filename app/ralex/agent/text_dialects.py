"""How model families write tool calls as text, brought into the one form that is read.

Each family has marks of its own, which its server should have taken out. What stands between them
is rewritten as ``<tool_call>{…}</tool_call>``; a text that is cut off or not understood stays as it
is, and so is never a call.
"""

import ast
import json
import re
from collections.abc import Callable
from typing import cast

from ralex.core.patterns import lazy_pattern

_MOST_MARKS = 100
"""A text with more of them is no reply that ends in calls, and slow to search."""

_MARKS = (
    "python_tag", "tool▁call", "[TOOL_CALLS]", "<TOOLCALL>", "<|tool_call|>", "minimax:tool_call",
    "<|message|>", "tool_code", "<function=", "<tool_call name=", "<tool_use>", "<execute_command>",
    "<read_file>", "<write_to_file>", "<list_files>", "<search_files>",
)  # fmt: skip

_LLAMA = lazy_pattern(
    r"<\|python_tag\|>\s*(?P<json>\{.*\})\s*(?:<\|e[a-z]+_id\|>\s*)?\Z", re.DOTALL
)
_LLAMA_FUNCTION = lazy_pattern(
    r"<function=(?P<name>[\w.-]{1,64})>\s*(?P<json>\{[^<]*\})\s*</function>", re.DOTALL
)
_DEEPSEEK = lazy_pattern(
    r"<｜tool▁call▁begin｜>(?:function<｜tool▁sep｜>)?(?P<name>[\w.-]{1,64})\s*(?:<｜tool▁sep｜>)?\s*"
    r"(?:```json\s*)?(?P<json>\{.*?\})\s*(?:```\s*)?<｜tool▁call▁end｜>",
    re.DOTALL,
)
_HARMONY = lazy_pattern(
    r"(?:<\|start\|>assistant\s?)?(?:<\|channel\|>\w{0,20})?\sto=(?:functions\.)?"
    r"(?P<name>[\w.-]{1,64})[^{}\n]{0,100}<\|message\|>\s*(?P<json>\{[^\n]*\})\s*(?:<\|call\|>|\Z)"
)
_NAMED = lazy_pattern(
    r"<tool_call\s+name=\"(?P<name>[\w.-]{1,64})\">\s*(?P<json>\{.*?\})\s*</tool_call>", re.DOTALL
)
_LISTS = lazy_pattern(
    r"(?:\[TOOL_CALLS\]|<\|tool_call\|>|<TOOLCALL>)\s*(?P<json>\[.*\])\s*(?:</TOOLCALL>\s*)?\Z",
    re.DOTALL,
)
_USED = lazy_pattern(r"<tool_use>\s*(?P<json>\{.*?\})\s*</tool_use>", re.DOTALL)
_PYTHON = lazy_pattern(r"```tool_code[ \t]*\n(?P<code>[^`]*)```\s*\Z")
_ELEMENT = lazy_pattern(
    r"<(?P<name>execute_command|read_file|write_to_file|list_files|search_files)>\s*"
    r"(?P<fields>.*?)</(?P=name)>",
    re.DOTALL,
)
_CHILD = lazy_pattern(r"<(?P<name>\w+)>\n?(?P<value>.*?)\n?</(?P=name)>", re.DOTALL)
_DROPPED = lazy_pattern(r"<｜tool▁calls▁(?:begin|end)｜>|</?minimax:tool_call>")


def in_one_form(text: str) -> str:
    """Rewrite calls of other families; a text without any comes back as it is."""
    count = sum(text.count(mark) for mark in _MARKS)
    if not count or count > _MOST_MARKS:
        return text
    text = _DROPPED.sub("", text)
    for pattern in (_LLAMA_FUNCTION, _DEEPSEEK, _HARMONY, _NAMED):
        text = pattern.sub(_named, text)
    for pattern, write in _WRITERS:
        text = pattern.sub(write, text)
    return text


def _named(found: re.Match[str]) -> str:
    return _call(found["name"], _object(found["json"])) or found[0]


def _whole(found: re.Match[str]) -> str:
    return _record(_object(found["json"])) or found[0]


def _listed(found: re.Match[str]) -> str:
    items = _object(found["json"])
    if not isinstance(items, list) or not items:
        return found[0]
    calls = [_record(one) for one in cast("list[object]", items)]
    return "\n".join(calls) if all(calls) else found[0]


def _element(found: re.Match[str]) -> str:
    fields = {one["name"]: one["value"] for one in _CHILD.finditer(found["fields"])}
    is_whole = bool(fields) and not _CHILD.sub("", found["fields"]).strip()
    return _call(found["name"], fields) if is_whole else found[0]


def _from_code(found: re.Match[str]) -> str:
    """Read ``bash(command="ls")``, one call in a line, of plain values only."""
    try:
        lines = ast.parse(found["code"].strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return found[0]
    calls = [_from_expression(line) for line in lines]
    return "\n".join(calls) if calls and all(calls) else found[0]


def _from_expression(line: ast.stmt) -> str:
    call = line.value if isinstance(line, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print":
        call = call.args[0] if len(call.args) == 1 else None
    if not isinstance(call, ast.Call) or call.args or not isinstance(call.func, ast.Name):
        return ""
    try:
        values = {one.arg: cast("object", ast.literal_eval(one.value)) for one in call.keywords}
        return _call(call.func.id, values)
    except (ValueError, TypeError):
        return ""


def _record(value: object) -> str:
    """Write a call that is an object with a name and arguments, in any of their usual names."""
    if not isinstance(value, dict):
        return ""
    record = cast("dict[str, object]", value)
    inner = record.get("function")
    if isinstance(inner, dict):
        record = cast("dict[str, object]", inner)
    name = record.get("name", record.get("tool_name"))
    given = (record[one] for one in ("arguments", "parameters", "input") if one in record)
    return _call(name, next(given, None))


def _call(name: object, arguments: object) -> str:
    if not isinstance(name, str) or not isinstance(arguments, dict | str):
        return ""
    return f"<tool_call>{json.dumps({'name': name, 'arguments': arguments})}</tool_call>"


def _object(text: str) -> object:
    try:
        return cast("object", json.loads(text, strict=False))
    except (ValueError, RecursionError):
        return None


_WRITERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_LLAMA, _whole),
    (_USED, _whole),
    (_LISTS, _listed),
    (_ELEMENT, _element),
    (_PYTHON, _from_code),
)
