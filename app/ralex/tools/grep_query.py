"""What a search of file contents asks for, and what it finds."""

import re
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

    def wants(self, path: str) -> bool:
        """Tell whether a file is one of those asked for; a file named itself always is."""
        if self.include is None or path == str(self.folder):
            return True
        start = len(str(self.folder).rstrip("/")) + 1
        return (self.include.fullmatch(path[start:]) is not None) is not self.is_exclusion


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One line that matches.

    Attributes:
        number: From 1, or 0 for a file that could not be read.
    """

    path: str
    number: int
    line: str
