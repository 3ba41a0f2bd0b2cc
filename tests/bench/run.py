"""Measure ralex against the floor it stands on, in one run: ratios, not absolute times.

Prints a table; never fails for being slow, because a machine's load is not the code's fault. Each
figure is the median of several whole processes, taken in turn with what it is compared with.
"""

import compileall
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.e2e.command import PRICED  # noqa: E402
from tests.e2e.model_server import Answer, ModelServer  # noqa: E402

ROUNDS = 9
PYTHON = sys.executable
RALEX = str(Path(sys.executable).with_name("ralex"))


@dataclass(frozen=True)
class Figure:
    """Medians of one command: CPU in seconds, and its peak memory in MB."""

    cpu_s: float
    peak_mb: float


def cost_of(command: Sequence[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run a command and return its CPU seconds and peak memory in MB."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(write, 1)
        os.dup2(write, 2)
        os.execve(command[0], list(command), environment)
    os.close(write)
    with os.fdopen(read, "rb") as output:
        text = output.read()
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{text.decode()}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(
    ours: Sequence[str], theirs: Sequence[str], environment: dict[str, str]
) -> tuple[Figure, Figure, float]:
    """Run two commands in turn; return their medians and the median ratio of their CPU times."""
    pairs = [(cost_of(ours, environment), cost_of(theirs, environment)) for _ in range(ROUNDS)]
    ratio = statistics.median(a[0] / b[0] for a, b in pairs)
    return (
        Figure(
            statistics.median(a[0] for a, _ in pairs), statistics.median(a[1] for a, _ in pairs)
        ),
        Figure(
            statistics.median(b[0] for _, b in pairs), statistics.median(b[1] for _, b in pairs)
        ),
        ratio,
    )


def report(what: str, against: str, figures: tuple[Figure, Figure, float], hold: str) -> None:
    """Print one row."""
    ours, theirs, ratio = figures
    print(
        f"{what:34} {ours.cpu_s * 1000:7.0f} ms {ours.peak_mb:6.1f} MB   {ratio:5.2f} x {against} "
        f"({theirs.cpu_s * 1000:.0f} ms, {theirs.peak_mb:.1f} MB)   hold: {hold}"
    )


def main() -> None:
    """Print all figures."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What is measured against is compiled; where nobody may write bytecode, the checkout is not.
    compileall.compile_dir(ROOT / "app", quiet=1)
    bare = (PYTHON, "-c", "pass")
    with tempfile.TemporaryDirectory() as home, ModelServer([Answer(text="Four.")]) as server:
        folder = Path(home) / "ralex"
        folder.mkdir(mode=0o700)
        (folder / "config.toml").write_text(PRICED)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "RALEX_HOME": str(folder),
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": "sk-bench",
            "LANG": "C.UTF-8",
        }
        print(f"CPU and peak memory of whole processes, medians of {ROUNDS}")
        report("ralex --version", "bare Python", compare((RALEX, "--version"), bare, environment),
               "1.6 x")  # fmt: skip
        client = (PYTHON, "-c", "import ralex; ralex.Client()")
        report("import ralex; ralex.Client()", "bare Python", compare(client, bare, environment),
               "+20 ms, +6 MB")  # fmt: skip
        prompt = (RALEX, "--prompt", "2+2?")
        httpx = (PYTHON, "-c", "import httpx; httpx.Client()")
        report("ralex --prompt, one answer", "import httpx", compare(prompt, httpx, environment),
               "350 ms")  # fmt: skip
        route = (RALEX, "route", "Refactor the parser and add tests")
        report("ralex route TEXT", "bare Python", compare(route, bare, environment), "-")
    for script in sorted(Path(__file__).parent.glob("bench_*.py")):
        print(f"\n{script.stem.removeprefix('bench_')}", flush=True)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([PYTHON, str(script)], cwd=ROOT, env=environment, check=False)


if __name__ == "__main__":
    main()
