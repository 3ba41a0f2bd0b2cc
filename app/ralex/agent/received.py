"""Bring the calls of a reply into the form that everything behind relies on: known names, own ids.

Small models call tools by the names that other programs give them, and some servers number the
calls of each reply anew. A name that no provider would take back, or an id that came before, would
make the next request fail, at the latest when another provider gets the conversation.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

from ralex.core.ids import CallId
from ralex.core.messages import AssistantMessage, ToolCall

_OTHER_NAMES: Final = {
    "read": "readfile viewfile openfile view cat",
    "write": "writefile createfile writetofile savefile",
    "edit": "editfile strreplace strreplacefile searchreplace replace replaceinfile",
    "bash": "shell sh terminal exec execute executecommand runcommand runshellcommand runbash "
    "runterminalcommand shellcommand execcommand",
    "grep": "search searchfiles searchtext grepsearch ripgrep rg searchfilecontent",
    "glob": "findfiles filesearch globsearch",
    "ls": "list listdir listdirectory listfiles readdir",
    "todo": "todowrite writetodos updateplan updatetodolist settodolist",
    "task": "agent subagent spawnagent runagent",
    "web_fetch": "fetch fetchurl openurl readurl",
    "ask_user": "askuserquestion askfollowupquestion askquestion question",
}
_FOUND: Final = {other: name for name, others in _OTHER_NAMES.items() for other in others.split()}
_PREFIXES: Final = ("functions.", "functions/", "default_api.", "default_api:", "tools.", "tool.")
_MOST_NAME_CHARS: Final = 64


def received(
    message: AssistantMessage,
    *,
    known: Collection[str],
    is_used: Callable[[CallId], bool],
    prefix: str,
) -> AssistantMessage:
    """Give a reply whose calls have known names where these can be told, and ids of their own.

    Args:
        known: Names of the tools there are.
        is_used: Tells whether the conversation holds a call of that id already.
        prefix: Of ids made here; unique in the session.
    """
    calls: list[ToolCall] = []
    for place, call in enumerate(message.tool_calls):
        name = tool_name(call.name, known)
        twin = is_used(call.id) or any(call.id == one.id for one in calls)
        call_id = CallId(f"{prefix}_{place}") if twin or not call.id else call.id
        same = name == call.name and call_id == call.id
        calls.append(call if same else replace(call, name=name, id=call_id))
    if tuple(calls) == message.tool_calls:
        return message
    return replace(message, tool_calls=tuple(calls))


def tool_name(name: str, known: Collection[str]) -> str:
    """Find the tool that is meant; else give the name as providers would take it back."""
    if name in known:
        return name
    bare = name.strip().casefold()
    for prefix in _PREFIXES:
        bare = bare.removeprefix(prefix)
    if bare in known:
        return bare
    plain = re.sub(r"[^a-z0-9]", "", bare.removesuffix("tool"))
    own = next((one for one in known if one.replace("_", "") == plain), None)
    found = own or _FOUND.get(plain)
    if found in known and found is not None:
        return found
    return re.sub(r"[^A-Za-z0-9_-]", "_", name.strip())[:_MOST_NAME_CHARS] or "unnamed"
