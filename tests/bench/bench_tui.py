"""Figures of the screen: opening 2,000 turns, scrolling, streaming, start. Run it; it prints them.

    python tests/bench/bench_tui.py [--seconds 20] [--runs 5]

Start and streaming are measured in a real pseudo-terminal, key to echo; a bare Textual app with the
same kind of widgets is measured beside them in the same run.
"""

import argparse
import asyncio
import compileall
import os
import pty
import re
import select
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "app"), str(ROOT)]

from ralex.core.events import AgentEvent  # noqa: E402
from tests.e2e.command import PRICED  # noqa: E402
from tests.tui.fake_session import (  # noqa: E402
    FakeOpener,
    FakeSession,
    Step,
    call,
    opening,
    plain_turn,
)

TEXT = "Some words that explain what was done and why it was done that way, in a sentence. "
CODE = "```python\ndef total(items: list[int]) -> int:\n    return sum(items)  # all of them\n```\n"
ANSWER = f"{TEXT * 6}\n\n- one\n- two\n\n{CODE}\n{TEXT * 5}\n"
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\][^\x07]*\x07|\x1b[()][A-Z0-9]")

BARE = """
from textual.app import App
from textual.widgets import Static, TextArea
class Bare(App):
    def compose(self):
        yield Static("ralex or / for commands")
        yield TextArea(id="prompt")
    def on_mount(self):
        self.query_one("#prompt").focus()
Bare().run()
"""
OURS = """
import sys
sys.path[:0] = [{app!r}, {root!r}]
from ralex.tui.app import RalexApp
class Opener:
    async def open(self):
        import asyncio, importlib
        bench = await asyncio.to_thread(importlib.import_module, "tests.bench.bench_tui")
        return bench.session({turns}, {kind!r})
    async def aclose(self): ...
RalexApp(Opener(), prompts={prompts!r}).run()
"""

INSTALLED = """
import os, sys
sys.path[:0] = [{app!r}]
os.environ.update(HOME={home!r}, RALEX_HOME={home!r} + "/ralex", OPENAI_API_KEY="sk-bench")
os.chdir({home!r} + "/project")
sys.argv = ["ralex"]
from ralex.__main__ import main
main()
"""


def session(turns: int, kind: str) -> FakeSession:
    """Make a session with stored turns, and one that streams without end if a kind is given."""
    stored = [
        event
        for number in range(turns)
        for event in (
            *opening(f"question {number}"),
            *call("read", "src/app.py", output="x\n" * 40, summary="40 lines"),
            *call("bash", "pytest -q", output="." * 60, summary="exit 0 · 1.2 s"),
            *plain_turn("", ANSWER)[-3:],
        )
        if not isinstance(event, asyncio.Event | Exception)
    ]
    return Streaming(stored=stored, kind=kind) if kind else FakeSession(stored=stored)


@dataclass
class Streaming(FakeSession):
    """Answers with 300 tokens a second until it is stopped."""

    kind: str = "mixed"

    async def _play(self, script: Sequence[Step]) -> AsyncIterator[AgentEvent]:
        from ralex.core.stream import TextDelta  # noqa: PLC0415

        for event in opening("go"):
            if not isinstance(event, asyncio.Event | Exception):
                yield event
        source = {
            "mixed": ANSWER,
            "paragraph": TEXT,
            "list": f"- {TEXT}\n",
            "fence": "value = compute(1, 'two')  # a comment\n",
        }[self.kind]
        if self.kind == "fence":
            yield TextDelta(text="```python\n")
        text, at, start, sent = source * 20, 0, time.monotonic(), 0
        while True:
            due = int((time.monotonic() - start) * 300)
            for _ in range(due - sent):
                yield TextDelta(text=text[at : at + 4])
                at = (at + 4) % (len(text) - 4)
            sent = due
            await asyncio.sleep(0.01)


class Terminal:
    """A program in a pseudo-terminal, and what it has written."""

    def __init__(self, code: str) -> None:
        self.start = time.perf_counter()
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.chdir(ROOT)
            os.execv(sys.executable, [sys.executable, "-c", code])
        ioctl(self.file, TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.seen = b""

    def wait(self, wanted: Callable[[bytes], bool], timeout_s: float = 20) -> float:
        """Read until something was written; return the seconds it took."""
        start = time.perf_counter()
        while not wanted(ESCAPES.sub(b"", self.seen)):
            if time.perf_counter() - start > timeout_s:
                raise TimeoutError(self.seen[-500:])
            if select.select([self.file], [], [], 0.005)[0]:
                self.seen += os.read(self.file, 262_144)
        return time.perf_counter() - start

    def drain(self, seconds: float) -> None:
        """Read and forget."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self.file], [], [], left)[0]:
                os.read(self.file, 262_144)
        self.seen = b""

    def key(self, letter: str) -> float:
        """Press a key and return the seconds until it is on the screen."""
        self.seen = b""
        os.write(self.file, letter.encode())
        return self.wait(lambda seen: letter.encode() in seen, 5)

    @property
    def cpu_s(self) -> float:
        """Processor time used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def megabytes(self) -> float:
        """Resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def close(self) -> None:
        """End the program."""
        os.close(self.file)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


@contextmanager
def terminal(code: str) -> Generator[Terminal]:
    """Run a program in a pseudo-terminal."""
    opened = Terminal(code)
    try:
        yield opened
    finally:
        opened.close()


def ours(turns: int = 0, kind: str = "", prompts: tuple[str, ...] = ()) -> str:
    """Give the code of our app."""
    app, root = str(ROOT / "app"), str(ROOT)
    return OURS.format(app=app, root=root, turns=turns, kind=kind, prompts=prompts)


@contextmanager
def installed() -> Generator[str]:
    """Give the code of the command itself, with a configuration file to read and a key."""
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "project").mkdir()
        (Path(home) / "ralex").mkdir(mode=0o700)
        (Path(home) / "ralex" / "config.toml").write_text(PRICED)
        yield INSTALLED.format(app=str(ROOT / "app"), home=home)


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """Fit a line through (seconds, MB) and give its slope in MB per minute."""
    if len(samples) < 3:
        return 0.0
    seconds, sizes = zip(*samples, strict=True)
    return 60 * statistics.linear_regression(seconds, sizes).slope


def start_figures(code: str, runs: int) -> tuple[float, float, float]:
    """Measure milliseconds to the first frame and the first echoed key, and megabytes."""
    rows: list[tuple[float, float, float]] = []
    for _ in range(runs):
        with terminal(code) as program:
            program.wait(lambda seen: b"for commands" in seen)
            first = time.perf_counter() - program.start
            program.key("Q")
            echoed = time.perf_counter() - program.start
            program.drain(1.0)
            rows.append((first * 1e3, echoed * 1e3, program.megabytes))
    first, echoed, size = (statistics.median(column) for column in zip(*rows, strict=True))
    return first, echoed, size


def stream_figures(kind: str, seconds: float) -> str:
    """Measure keys and processor while 300 tokens a second arrive in a session of 2,000 turns."""
    with terminal(ours(2_000, kind, ("go",))) as program:
        program.wait(lambda seen: b"writing" in seen, 30)
        program.drain(3)
        cpu, began, before = program.cpu_s, time.perf_counter(), program.megabytes
        delays: list[float] = []
        sizes: list[tuple[float, float]] = []
        while time.perf_counter() - began < seconds:
            for letter in "QZJX":
                delays.append(program.key(letter) * 1e3)
                program.drain(0.08)
            os.write(program.file, b"\x7f" * 4)
            program.drain(0.1)
            if (passed := time.perf_counter() - began) > seconds / 3:  # after it has warmed up
                sizes.append((passed, program.megabytes))
        share = 100 * (program.cpu_s - cpu) / (time.perf_counter() - began)
        delays.sort()
        p95 = delays[int(len(delays) * 0.95)]
        return (
            f"{kind:<10} cpu {share:4.0f} %   key p50 {statistics.median(delays):4.0f} ms"
            f"  p95 {p95:4.0f} ms  worst {delays[-1]:4.0f} ms"
            f"   {before:.0f} → {program.megabytes:.0f} MB, {slope(sizes):+.1f} MB a minute"
        )


async def memory_figure() -> str:
    """Let a megabyte of answer arrive as fast as it is taken; memory by every 250 kB of it.

    At 300 tokens a second that takes 14 minutes: the runs above end while caches still fill.
    """
    from tests.tui.helpers import running  # noqa: PLC0415

    stored = session(2_000, "").stored
    sizes: list[float] = []

    @dataclass
    class Endless(Streaming):
        async def _play(self, script: Sequence[Step]) -> AsyncIterator[AgentEvent]:
            from ralex.core.stream import TextDelta  # noqa: PLC0415

            for event in opening("go"):
                if not isinstance(event, asyncio.Event | Exception):
                    yield event
            for at in range(1_000_000 // 400):
                start = at * 400 % (len(ANSWER) * 20 - 400)
                yield TextDelta(text=(ANSWER * 20)[start : start + 400])
                await asyncio.sleep(0)
                if at % 625 == 624:
                    pages = int(Path("/proc/self/statm").read_text().split()[1])  # noqa: ASYNC240
                    sizes.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)

    async with running(Endless(stored=stored), size=(120, 40)) as driver:
        await driver.ready()
        await driver.send("go")
        while len(sizes) < 4:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.1)
        await driver.pilot.press("escape")
    return "answer of 1 MB: " + " → ".join(f"{size:.0f}" for size in sizes) + " MB by quarters"


def idle_figure() -> str:
    """Measure the processor while nothing happens."""
    with terminal(ours(2_000)) as program:
        program.wait(lambda seen: b"question" in seen or b"sentence" in seen, 30)
        program.drain(3)
        cpu = program.cpu_s
        program.drain(6)
        share = 100 * (program.cpu_s - cpu) / 6
        return f"idle with 2,000 turns: {share:.1f} % cpu, {program.megabytes:.0f} MB"


async def list_figures() -> None:
    """Measure opening and scrolling in this process."""
    from ralex.tui.app import RalexApp  # noqa: PLC0415
    from ralex.tui.screens.chat.screen import ChatScreen  # noqa: PLC0415
    from ralex.tui.widgets.transcript.scribe import items_of  # noqa: PLC0415

    stored = session(2_000, "").stored
    app = RalexApp(FakeOpener(FakeSession()), is_still=True)
    async with app.run_test(size=(120, 40)) as pilot:
        chat = app.screen_stack[0]
        assert isinstance(chat, ChatScreen)
        while chat.session is None:
            await pilot.pause(0.01)
        transcript = chat.transcript
        start = time.perf_counter()
        items = items_of(stored)
        built = time.perf_counter()
        transcript.load(items)
        await pilot.pause()
        shown = time.perf_counter()
        print(
            f"2,000 turns, {len(items):,} entries: made in {(built - start) * 1e3:.0f} ms, "
            f"shown in {(shown - built) * 1e3:.0f} ms"
        )
        steps: list[float] = []
        for _ in range(200):
            start = time.perf_counter()
            transcript.scroll_to(y=transcript.scroll_offset.y - 36, animate=False)
            _ = [transcript.render_line(y) for y in range(transcript.size.height)]
            steps.append((time.perf_counter() - start) * 1e3)
        steps.sort()
        print(f"page up into unseen entries: {steps[100]:.1f} ms, p95 {steps[190]:.1f} ms")
        steps = []
        for at in range(200):
            start = time.perf_counter()
            transcript.scroll_to(
                y=transcript.scroll_offset.y + (3 if at % 2 else -3), animate=False
            )
            _ = [transcript.render_line(y) for y in range(transcript.size.height)]
            steps.append((time.perf_counter() - start) * 1e3)
        print(f"scroll step among seen entries: {statistics.median(steps):.1f} ms")
        start = time.perf_counter()
        transcript.seek("explain", 0)
        print(f"search in everything: {(time.perf_counter() - start) * 1e3:.0f} ms")


def main() -> None:
    """Print all figures."""
    options = argparse.ArgumentParser(description="figures of the screen")
    options.add_argument("--seconds", type=float, default=15, help="of each streaming run")
    options.add_argument("--runs", type=int, default=5, help="of each start")
    chosen = options.parse_args()
    # Textual is compiled; where nobody may write bytecode, the checkout is not.
    for folder in ("app", "tests"):
        compileall.compile_dir(ROOT / folder, quiet=1)
    bare = start_figures(BARE, chosen.runs)
    own = start_figures(ours(), chosen.runs)
    with installed() as code:
        command = start_figures(code, chosen.runs)
    for name, figures in (("bare Textual", bare), ("ralex", own), ("the command", command)):
        first, echoed, size = figures
        print(f"{name:<13} first frame {first:4.0f} ms, key {echoed:4.0f} ms, {size:.0f} MB")
    for name, figures in (("ratio", own), ("of the command", command)):
        print(f"{name:<14} {figures[0] / bare[0]:.2f}, {figures[1] / bare[1]:.2f}   hold: 1.6")
    asyncio.run(list_figures())
    print(idle_figure())
    for kind in ("mixed", "paragraph", "list", "fence"):
        print(stream_figures(kind, chosen.seconds))
    print(asyncio.run(memory_figure()))


if __name__ == "__main__":
    main()
