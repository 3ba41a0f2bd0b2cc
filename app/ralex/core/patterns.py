"""Regular expressions that are compiled when they are first used.

Compiling those of all modules takes a tenth of a command's start, and most commands use few.
"""

import re
from typing import cast


class _Pattern:
    """Stands in for a compiled pattern; each method is looked up here only once."""

    def __init__(self, source: str, flags: int) -> None:
        self._source = source
        self._flags = flags
        self._compiled: re.Pattern[str] | None = None

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._compiled is None:
            self._compiled = re.compile(self._source, self._flags)
        value: object = getattr(self._compiled, name)
        setattr(self, name, value)
        return value


def lazy_pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """Give a pattern that is compiled at its first use.

    Use it for patterns of modules; a fault in ``source`` is found at the first use only.
    """
    return cast("re.Pattern[str]", _Pattern(source, flags))
