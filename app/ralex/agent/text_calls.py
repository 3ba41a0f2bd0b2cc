"""Tool calls that a model wrote into its text, because its server does not turn them into calls.

Only whole calls of known tools count, and only where nothing but calls follows: an example in an
explanation is not a call. A text that was cut off is never read so.
"""

import json
import re
from collections.abc import Collection
from itertools import pairwise
from typing import cast

from ralex.agent.received import tool_name
from ralex.agent.text_dialects import in_one_form
from ralex.core.ids import CallId
from ralex.core.messages import AssistantMessage, ToolCall
from ralex.core.patterns import lazy_pattern
from ralex.core.records import dataclass

_BAR = r"[|｜]?"
_DSML = rf"(?:{_BAR}DSML{_BAR})?"
_TAGGED = r"<tool_call>\s*(?P<tagged>\{.*?\})\s*</tool_call>"
_FENCED = r"```(?:json|tool_call|tool_code)?[ \t]*\n\s*(?P<fenced>\{.*?\})\s*\n?```"
_INVOKED = rf"<{_DSML}invoke\s+name=\"(?P<invoked>[\w.-]+)\"\s*>(?P<parameters>.*?)</{_DSML}invoke>"
_FUNCTION = (
    r"(?:<tool_call>\s*)?<function=(?P<function>[\w.-]+)>(?P<fields>.*?)</function>"
    r"(?:\s*</tool_call>)?"
)
_ARGUED = (  # GLM
    r"<tool_call>\s*(?P<argued>[\w.-]+)\s*(?P<pairs>(?:<arg_key>.*?</arg_value>\s*)*)</tool_call>"
)
_NUMBERED = (  # Kimi
    r"<\|tool_call_begin\|>\s*(?:functions\.)?(?P<numbered>[\w.-]+?)(?::\d+)?\s*"
    r"<\|tool_call_argument_begin\|>\s*(?P<given>\{.*?\})\s*<\|tool_call_end\|>"
)
_MARKED = r"\[TOOL_CALLS\]\s*(?P<marked>[\w.-]+)\s*(?:\[ARGS\])?\s*(?P<args>\{.*\})"  # Mistral
_BARE = r"\A\s*(?P<bare>\{.*\})\s*\Z"
_CALL = lazy_pattern(
    "|".join((_TAGGED, _FENCED, _INVOKED, _FUNCTION, _ARGUED, _NUMBERED, _MARKED, _BARE)), re.DOTALL
)
_PAIR = lazy_pattern(
    r"<arg_key>\s*(?P<name>.*?)\s*</arg_key>\s*<arg_value>(?P<value>.*?)</arg_value>", re.DOTALL
)
_PARAMETER = lazy_pattern(
    rf"<{_DSML}parameter\s+name=\"(?P<name>[\w.-]+)\"(?P<kind>[^>]*)>(?P<value>.*?)"
    rf"</{_DSML}parameter>",
    re.DOTALL,
)
_FIELD = lazy_pattern(r"<parameter=(?P<name>[\w.-]+)>\n?(?P<value>.*?)\n?</parameter>", re.DOTALL)
_WRAPPERS = lazy_pattern(
    rf"</?{_DSML}(?:function_calls|tool_calls|tool_call)>|<\|tool_calls_section_(?:begin|end)\|>"
)
_MARKS = (
    "<tool_call>", "```", "invoke name=", "<function=", "<|tool_call_begin|>", "[TOOL_CALLS]",
)  # fmt: skip
_MOST_CHARS = 200_000
_MOST_MARKS = 200
"""A text with more of them is no reply that ends in calls, and slow to search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    name: str
    arguments_json: str


def with_text_calls(
    message: AssistantMessage, *, known: Collection[str], prefix: str
) -> AssistantMessage:
    """Turn calls at the end of a reply's text into real ones; a reply without any stays as it is.

    Args:
        known: Names of the tools there are.
        prefix: Beginning of the ids made for the calls; unique in the session.
    """
    if message.tool_calls or len(message.text) > _MOST_CHARS:
        return message
    text = in_one_form(message.text)
    if not _may_hold_calls(text):
        return message
    matches = list(_CALL.finditer(text))
    if not matches:
        return message
    found: list[_Found] = []
    for match in matches:
        call = _read(match)
        name = tool_name(call.name, known) if call is not None else ""
        if call is None or name not in known:
            return message
        found.append(_Found(name=name, arguments_json=call.arguments_json))
    rest = [text[a.end() : b.start()] for a, b in pairwise(matches)]
    rest.append(text[matches[-1].end() :])
    if any(_WRAPPERS.sub("", one).strip() for one in rest):
        return message
    said = _WRAPPERS.sub("", text[: matches[0].start()]).strip()
    calls = tuple(
        ToolCall(id=CallId(f"{prefix}_{n}"), name=one.name, arguments_json=one.arguments_json)
        for n, one in enumerate(found)
    )
    return AssistantMessage(
        text=said, tool_calls=calls, reasoning=message.reasoning, opaque_json=message.opaque_json
    )


def _may_hold_calls(text: str) -> bool:
    count = sum(text.count(mark) for mark in _MARKS)
    return 0 < count <= _MOST_MARKS or (not count and text.lstrip().startswith("{"))


def _read(match: re.Match[str]) -> _Found | None:
    body = match["tagged"] or match["fenced"] or match["bare"]
    if body is not None:
        return _from_json(body)
    for name, given in (("numbered", "given"), ("marked", "args")):
        if match[name] is not None:
            return _Found(name=match[name], arguments_json=match[given])
    if match["argued"] is not None:
        pairs = {one["name"]: one["value"] for one in _PAIR.finditer(match["pairs"])}
        return _Found(name=match["argued"], arguments_json=json.dumps(pairs))
    if match["invoked"] is not None:
        values = {one["name"]: _value(one) for one in _PARAMETER.finditer(match["parameters"])}
        return _Found(name=match["invoked"], arguments_json=json.dumps(values))
    fields = {one["name"]: one["value"] for one in _FIELD.finditer(match["fields"])}
    if not fields and match["fields"].strip():
        return None  # something that is not understood, which is not nothing
    return _Found(name=match["function"], arguments_json=json.dumps(fields))


def _from_json(body: str) -> _Found | None:
    try:
        value: object = json.loads(body, strict=False)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    record = cast("dict[str, object]", value)
    name = record.get("name")
    arguments = record.get("arguments", record.get("parameters"))
    if not isinstance(name, str) or not isinstance(arguments, dict | str):
        return None
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return _Found(name=name, arguments_json=raw)


def _value(parameter: re.Match[str]) -> object:
    """Read a value that says of itself whether it is text."""
    raw = parameter["value"]
    if 'string="false"' not in parameter["kind"]:
        return raw
    try:
        return cast("object", json.loads(raw))
    except ValueError:
        return raw
