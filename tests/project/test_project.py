"""The project's own promises: its layout, its links, and a wheel that runs outside the checkout."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.conftest import ROOT

TOP_LEVEL = {
    ".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md",
    "app", "constraints.txt", "docs", "pyproject.toml", "rules", "snapshots", "tests", "themes",
}  # fmt: skip


def git(*args: str) -> list[str]:
    done = subprocess.run(["git", *args], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return done.stdout.splitlines()


def test_the_top_level_holds_what_it_should() -> None:
    tracked = {name.split("/", 1)[0] for name in git("ls-files")}
    assert tracked == TOP_LEVEL


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_links_in_the_documents_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#:]+)\)", text)
    missing = [t for t in targets if not (ROOT / page).parent.joinpath(unquote(t)).exists()]
    assert missing == []


def test_paths_named_in_the_documents_exist() -> None:
    for page in ("README.md", "docs/architecture.md", "CONTRIBUTING.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for path in re.findall(r"`((?:app|docs|rules|themes|tests)/[\w./-]+)`", text):
            assert (ROOT / path).exists(), f"{page} names {path}"


def test_every_dependency_is_bounded_and_pinned_for_the_checks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    dev = project["optional-dependencies"]["dev"]
    for requirement in [*project["dependencies"], *dev]:
        assert "<" in requirement or "==" in requirement, requirement
        name = re.split(r"[<>=\[]", requirement)[0].lower().replace("_", "-")
        assert name in pinned, requirement


def test_constraints_hold_names_and_versions_only() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.+!-]+", line), line


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from what git tracks."""
    folder = tmp_path_factory.mktemp("wheel")
    code = (
        "import hatchling.build, os, sys; os.chdir(sys.argv[1]); "
        "print(hatchling.build.build_wheel(sys.argv[2]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_code_styles_migrations_themes_and_rules(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "ralex/py.typed",
        "ralex/demo/story.toml",
        "ralex/tui/screens/chat/chat.tcss",
        "ralex/_data/themes/ralex-dark.toml",
        "ralex/_data/rules/catalogue.json",
        "ralex/_data/rules/presets/openrouter.toml",
        "ralex/_data/rules/scorers/litellm.toml",
    ):
        assert needed in names, needed
    assert any(name.endswith(".sql") for name in names)


def test_the_unpacked_wheel_plays_the_demo_outside_the_checkout(
    wheel: Path, tmp_path: Path
) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-m", "ralex", "demo"],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(tmp_path / "site"),
            "LANG": "C.UTF-8",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "both tests pass" in done.stdout
    assert not (tmp_path / ".local").exists(), "the demo leaves the user's home alone"
