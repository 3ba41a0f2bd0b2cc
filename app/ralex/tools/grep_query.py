"""What a search of file contents asks for, and what it finds."""

import re
from collections.abc import Callable
from pathlib import Path

from ralex.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One search.

    Attributes:
        folder: Real path of the folder searched, or of the one file.
        is_file: It is one file, which is searched whatever its size.
        is_ignored: Git ignores the folder, which was named all the same; so its files are not.
        include: Paths below the folder that are wanted, or are not if ``is_exclusion``.
        include_text: The same as the model wrote it.
        limit: Matches to show.
        is_hidden: Tells of a file whether a rule closes it to the search.
    """

    pattern: str
    folder: Path
    is_file: bool
    is_ignored: bool
    include: re.Pattern[str] | None
    include_text: str
    is_exclusion: bool
    ignores_case: bool
    limit: int
    is_hidden: Callable[[str], bool]

    def wants(self, path: str) -> bool:
        """Tell whether a file is asked for, as one named itself always is, and may be shown."""
        if self.include is not None and path != str(self.folder):
            start = len(str(self.folder).rstrip("/")) + 1
            if (self.include.fullmatch(path[start:]) is not None) is self.is_exclusion:
                return False
        return not self.is_hidden(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One line that matches.

    Attributes:
        number: From 1, or 0 for a file that could not be read.
    """

    path: str
    number: int
    line: str
