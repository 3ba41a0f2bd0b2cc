"""Whole sessions of the installed command against a scripted model that plays faults and loops."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SHARED
from tests.e2e.command import PRICED

KIT = SHARED / "scripted_model" / "scripted_model.py"
pytestmark = pytest.mark.skipif(not KIT.is_file(), reason="the scripted model's kit is not here")

NUMBERS = "alpha\nbeta\ngamma\n"
Step = dict[str, object]
DONE: Step = {"text": "Done.", "final": True}


def bash(command: str) -> dict[str, object]:
    return {"do": "bash", "command": command}


def read(path: str) -> dict[str, object]:
    return {"do": "read", "path": path}


def edit(old: str, new: str, **extra: object) -> dict[str, object]:
    return {"do": "edit", "path": "a.txt", "old": old, "new": new, **extra}


def fault(kind: str, times: int = 1, text: str = "") -> Step:
    return {
        "calls": [bash("echo after the fault")],
        "fault": {"kind": kind, "times": times},
        "text": text,
    }


def run(
    tmp_path: Path,
    steps: list[Step],
    *,
    window: int = 128_000,
    check: str = "true",
    rules: str = "Keep the lines short.",
) -> dict[str, object]:
    """Play a scenario and give the kit's report; every violation of the protocol fails it."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    config = PRICED.replace("128000", str(window))
    (home / "config.toml").write_text(config, encoding="utf-8")
    scenario = {
        "name": "own",
        "prompt": "Change a.txt as the notes say and check it",
        "files": {"a.txt": NUMBERS, "notes.txt": "beta becomes delta\n", "AGENTS.md": rules},
        "steps": steps,
        "check": {"cmd": check},
        "limits": {},
    }
    path, out = tmp_path / "scenario.json", tmp_path / "out.json"
    path.write_text(json.dumps(scenario), encoding="utf-8")
    agent = f"env RALEX_HOME={home} {sys.executable} -m ralex --prompt {{prompt}}"
    done = subprocess.run(
        [
            sys.executable,
            str(KIT),
            "run",
            str(path),
            "--agent",
            agent,
            "--json",
            str(out),
            "--timeout",
            "60",
        ],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert out.is_file(), done.stdout + done.stderr
    report: dict[str, object] = json.loads(out.read_text(encoding="utf-8"))
    assert done.returncode == 0, json.dumps(report, indent=1)[-3000:]
    assert not report.get("violations"), report["violations"]
    return report


EDITED = "grep -qx delta a.txt"


def test_a_plain_session_breaks_no_cache(tmp_path: Path) -> None:
    steps: list[Step] = [{"calls": [bash(f"echo step {n}")]} for n in range(20)]
    report = run(tmp_path, [*steps, DONE], rules="Keep the lines short.\n" * 300)
    assert report["cache_breaks"] == 0
    assert float(str(report["cached_share"])) >= 0.95


def test_parallel_and_interleaved_calls_are_each_answered_once(tmp_path: Path) -> None:
    calls = [read("a.txt"), read("notes.txt"), bash("echo one"), bash("echo two")]
    report = run(tmp_path, [{"calls": calls, "interleave": True}, DONE])
    assert report["parallel_answered"] is True


@pytest.mark.parametrize("kind", ["http_500", "http_429", "drop_mid_stream"])
def test_a_fault_of_the_provider_is_tried_again(tmp_path: Path, kind: str) -> None:
    steps: list[Step] = [
        {"calls": [read("a.txt")]},
        fault(kind, text="I will say something long enough"),
        DONE,
    ]
    report = run(tmp_path, steps)
    assert report["faults"] == 1


def test_an_overflow_in_the_middle_shrinks_the_request_and_goes_on(tmp_path: Path) -> None:
    flood = bash("for i in $(seq 400); do echo line $i of a long output; done")
    steps: list[Step] = [
        {"calls": [flood]},
        {"calls": [bash("for i in $(seq 400); do echo other $i of a long output; done")]},
        {"calls": [bash("for i in $(seq 500); do echo third $i of a long output; done")]},
        fault("http_400_overflow"),
        {"calls": [read("a.txt")]},
        {"calls": [edit("beta", "delta")]},
        DONE,
    ]
    report = run(tmp_path, steps, check=EDITED)
    assert report["shrank_after_overflow"] is True


def test_huge_outputs_stay_within_a_small_window(tmp_path: Path) -> None:
    flood = "head -c 3000000 /dev/urandom | base64; echo {n}"
    steps: list[Step] = [{"calls": [bash(flood.format(n=n))]} for n in range(8)]
    report = run(
        tmp_path,
        [*steps, {"calls": [read("a.txt")]}, {"calls": [edit("beta", "delta")]}, DONE],
        window=48_000,
        check=EDITED,
    )
    assert int(str(report["max_tool_result_chars"])) < 40_000
    assert int(str(report["max_request_bytes"])) < 48_000 * 4


def test_malformed_arguments_never_damage_the_file(tmp_path: Path) -> None:
    steps: list[Step] = [
        {"calls": [read("a.txt")]},
        {
            "calls": [
                {"do": "write", "path": "a.txt", "content": NUMBERS * 20, "malform": "truncated"}
            ]
        },
        {"calls": [edit("beta", "delta", malform="trailing_comma")]},
        DONE,
    ]
    run(tmp_path, steps, check=f"{EDITED} && test $(wc -l < a.txt) = 3")


def test_a_loop_is_broken_by_what_the_model_is_told(tmp_path: Path) -> None:
    steps: list[Step] = [
        {"calls": [read("a.txt")], "repeat": {"max": 15, "until": "identical|repeat"}},
        {"calls": [edit("beta", "delta")]},
        DONE,
    ]
    report = run(tmp_path, steps, check=EDITED)
    assert report["loop_noticed"] is True
    assert int(str(report["repeats_played"])) <= 4


def test_an_empty_reply_is_asked_again(tmp_path: Path) -> None:
    report = run(tmp_path, [fault("empty"), DONE])
    assert report["faults"] == 1
