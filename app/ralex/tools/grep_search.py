"""Search files for a pattern; run as a program of its own by the grep tool.

A regular expression may take exponential time and holds the interpreter while it does, so it runs
in a process that can be ended. It reads a JSON object on its first input line, then paths
separated by NUL, and prints one JSON line for each match. Standard library only.
"""

import json
import os
import re
import stat
import sys
import warnings
from collections.abc import Iterator

MAX_FILE_BYTES = 8 * 1024 * 1024
MAX_NAMED_BYTES = 64 * 1024 * 1024
"""Of a file that is searched alone, such as the kept output of a command."""

MAX_COLUMNS = 400
_MAX_SEARCHED_COLUMNS = 20_000


def matches(
    path: str, pattern: re.Pattern[str], most_bytes: int = MAX_FILE_BYTES
) -> Iterator[tuple[int, str]]:
    """Give number and text of each matching line; nothing for binary, special or huge files.

    For a file that may not be read the number is 0.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except PermissionError:
        yield 0, ""
        return
    except OSError:
        return
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return
        if os.fstat(descriptor).st_size > most_bytes:
            return
        data = file.read(most_bytes)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", "replace")
    elif b"\0" in data:
        return
    else:
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()  # what follows the last line's end is no line
    for number, line in enumerate(lines, start=1):
        line = line.removesuffix("\r")  # noqa: PLW2901 - the line as people see it
        found = pattern.search(line[:_MAX_SEARCHED_COLUMNS])
        if found is not None:
            yield number, _around(line, found.start())


def _around(line: str, at: int) -> str:
    """Cut a long line so that the match stays visible."""
    if len(line) <= MAX_COLUMNS:
        return line
    start = max(0, at - MAX_COLUMNS // 4)
    head = "…" if start else ""
    tail = "…" if start + MAX_COLUMNS < len(line) else ""
    return f"{head}{line[start : start + MAX_COLUMNS]}{tail}"


def _bound_time(cpu_s: int) -> None:
    """Let the kernel end this process if nobody does: a ralex that was killed cannot."""
    try:
        import resource  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))


def main() -> None:
    """Read the task from standard input and print the matches."""
    task = json.loads(sys.stdin.buffer.readline())
    _bound_time(int(task["cpu_s"]))
    warnings.simplefilter("ignore")
    pattern = re.compile(task["pattern"], re.IGNORECASE if task["ignore_case"] else 0)
    left = int(task["limit"])
    for name in sys.stdin.buffer.read().split(b"\0"):
        path = os.fsdecode(name)
        for number, line in matches(path, pattern, int(task.get("most_bytes", MAX_FILE_BYTES))):
            record = json.dumps([path, number, line])
            sys.stdout.write(record + "\n")
            sys.stdout.flush()
            left -= 1
            if left <= 0:
                return


if __name__ == "__main__":
    main()
