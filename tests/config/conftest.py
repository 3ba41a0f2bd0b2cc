"""A configuration from the text of its files, in folders of the test's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest

from ralex.config.load import load_config
from ralex.config.model import Config


class Configure(Protocol):
    def __call__(
        self,
        text: str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        project: str | None = None,
        require_key: bool = True,
        **flags: str,
    ) -> Config: ...


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "ralex-home"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    (folder / ".git").mkdir(parents=True)
    return folder


@pytest.fixture
def configure(home: Path, work: Path) -> Configure:
    def load(
        text: str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        project: str | None = None,
        require_key: bool = True,
        **flags: str,
    ) -> Config:
        if text is not None:
            home.mkdir(exist_ok=True)
            (home / "config.toml").write_text(text, encoding="utf-8")
            (home / "config.toml").chmod(0o600)
        if project is not None:
            (work / ".ralex").mkdir(exist_ok=True)
            (work / ".ralex" / "config.toml").write_text(project, encoding="utf-8")
        variables = {"RALEX_HOME": str(home), **(environ or {})}
        return load_config(
            cwd=work,
            environ=variables,
            require_key=require_key,
            router=flags.get("router"),
            model=flags.get("model"),
            mode=flags.get("mode"),
        )

    return load
