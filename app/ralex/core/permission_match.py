"""Hold the pattern of a permission rule against what a call is about."""

import re
import unicodedata
from functools import cache
from posixpath import normpath

from ralex.core.patterns import lazy_pattern
from ralex.core.shell_words import ANY

_MOST_COMPARED = 2_000
_WILD = lazy_pattern(r"[*?]")
_OPERATORS = lazy_pattern(r"[|;&<>\n()]")
_PIECES = lazy_pattern(r"/\*\*$|\*\*/|\*\*|\*|\?|[^*?/]+|/")
_KNOWN = {"/**": "(?:/.*)?", "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def command_fits(pattern: str, text: str) -> bool:
    """Tell whether a pattern covers a command for certain."""
    return _command_pattern(" ".join(pattern.split())).fullmatch(text) is not None


def path_fits(pattern: str, path: str, *, root: str, is_strict: bool, folds_case: bool) -> bool:
    """Tell whether a pattern covers an absolute path.

    Args:
        root: Where relative patterns begin.
        is_strict: What a rule forbids it forbids under every spelling of a name, and a folder that
            it names with all that lies in it.
        folds_case: Names that differ in case only are one file here.
    """
    if is_strict:
        pattern, root, path = (_spelled(one, folds_case) for one in (pattern, root, path))
    return _path_pattern(pattern, root, is_strict).fullmatch(path) is not None


def fixed_part(pattern: str) -> str:
    """Give what stands in a path's pattern before its first wildcard, whole names only."""
    wild = _WILD.search(pattern)
    return pattern if wild is None else pattern[: pattern.rfind("/", 0, wild.start()) + 1]


def host_fits(pattern: str, host: str) -> bool:
    """Hold a host against ``example.com`` or ``*.example.com``, which covers it as well."""
    pattern, host = _ascii(pattern), _ascii(host).rstrip(".")
    if pattern.startswith("*."):
        return host == pattern[2:] or host.endswith(pattern[1:])
    return host == pattern


def _ascii(host: str) -> str:
    """Bring a name into the form in which it is looked up."""
    begin = "*." if host.startswith("*.") else ""
    try:
        return begin + host.removeprefix("*.").encode("idna").decode("ascii").casefold()
    except UnicodeError:
        return host.casefold()


def name_fits(pattern: str, name: str) -> bool:
    """Tell whether a pattern covers a name."""
    return command_fits(pattern, name)


@cache
def strict_readings(pattern: str) -> tuple[str, ...]:
    """Give the forms in which a forbidden command may stand once the shell has read it.

    Quotes in a pattern are gone in a command's words.
    """
    normal = " ".join(pattern.split())
    bare = " ".join(re.sub(r"['\"]", "", normal).split())
    return tuple(dict.fromkeys((normal, bare)))


def is_whole_line(pattern: str) -> bool:
    """Tell whether a pattern speaks of more than one simple command: ``curl * | sh``."""
    return _OPERATORS.search(pattern) is not None


def loose_reading(pattern: str) -> str:
    """Give a pattern with its program's folder left out, empty if it names none."""
    program, blank, rest = " ".join(pattern.split()).partition(" ")
    return f"{program.rsplit('/', 1)[-1]}{blank}{rest}" if "/" in program else ""


def may_fit(pattern: str, text: str) -> bool:
    """Tell whether a text could turn out to be covered, whatever ``ANY`` in it stands for."""
    if len(text) > _MOST_COMPARED:
        text = text[:_MOST_COMPARED] + ANY
    if ANY not in text:
        return _command_pattern(pattern).fullmatch(text) is not None
    if _may_meet(pattern, text):
        return True
    return pattern.endswith(" *") and _may_meet(pattern[:-2], text)


@cache
def _command_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern: ``*`` is any text; a last `` *`` may also be nothing at all."""
    is_open = pattern.endswith(" *")
    text = ".*".join(map(re.escape, (pattern[:-2] if is_open else pattern).split("*")))
    return re.compile(text + ("(?: .*)?" if is_open else ""), re.DOTALL)


@cache
def _path_pattern(pattern: str, root: str, is_strict: bool) -> re.Pattern[str]:  # noqa: FBT001
    """Compile a pattern for absolute paths; without a slash it is a name at any depth.

    ``src/**`` is the folder too: who searches or lists it reaches all that lies in it.
    """
    text = pattern.removeprefix("./")
    if text.endswith("/"):
        text += "**"
    pieces: list[str] = []
    if "/" not in pattern:
        text = f"/**/{text}"
    elif not text.startswith("/"):
        root = root.rstrip("/")
        if {"..", ".", ""}.intersection(text.split("/")):
            text = normpath(f"{root}/{text}")
        else:
            pieces.append(re.escape(f"{root}/"))
    else:
        text = normpath(text)
    pieces += (_KNOWN.get(piece) or re.escape(piece) for piece in _PIECES.findall(text))
    if is_strict and not _WILD.search(text.rsplit("/", 1)[-1]):
        pieces.append("(?:/.*)?")
    return re.compile("".join(pieces), re.DOTALL)


def _spelled(text: str, folds_case: bool) -> str:  # noqa: FBT001
    """Bring a name into the one form that stands for all its spellings."""
    text = unicodedata.normalize("NFC", text)
    return unicodedata.normalize("NFC", text.casefold()) if folds_case else text


def _may_meet(pattern: str, text: str) -> bool:
    """Tell whether two texts with gaps (``*`` here, ``ANY`` there) have a reading in common."""
    reach = [True] + [False] * len(pattern)
    for place, char in enumerate(pattern):
        reach[place + 1] = reach[place] and char == "*"
    for char in text:
        following = [reach[0] and char == ANY] + [False] * len(pattern)
        for place, mine in enumerate(pattern):
            if char == ANY or mine == "*":  # nothing of the pattern, or as much of it as one likes
                following[place + 1] = reach[place + 1] or following[place] or reach[place]
            else:
                following[place + 1] = reach[place] and mine == char
        reach = following
        if not any(reach):
            return False
        if reach[-1] and pattern.endswith("*"):
            return True  # the rest of the text is covered, whatever it is
    return reach[-1]
