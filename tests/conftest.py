"""Fixtures for every room: no developer's own configuration, keys or home reach a test."""

from pathlib import Path

import pytest
import pytest_textual_snapshot
from hypothesis import HealthCheck, settings
from syrupy.location import PyTestLocation

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
"""Kits that lie beside the checkout on some machines; tests that need one skip with a reason."""

settings.register_profile(
    "same-everywhere",  # the same cases on every machine, however slow or busy it is
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("same-everywhere")

FOREIGN_VARIABLES = (
    "OPENROUTER_API_KEY",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "MISTRAL_API_KEY",
    "OPENCODE_API_KEY",
    "OPENCODE_GO_API_KEY",
    "OPENAI_BASE_URL",
    "ANTHROPIC_BASE_URL",
    "RALEX_HOME",
    "RALEX_ROUTER",
    "RALEX_MODEL",
    "RALEX_DAILY_USD",
    "NO_COLOR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "TEXTUAL_THEME",
)


class TopLevelSVG(pytest_textual_snapshot.SVGImageExtension):
    """Keep SVG snapshots in the top-level ``snapshots/``, in folders named after the tests."""

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        folder = Path(test_location.filepath).parent.relative_to(ROOT / "tests")
        return str(ROOT / "snapshots" / folder / test_location.basename)


@pytest.fixture(autouse=True)
def own_surroundings(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give each test an empty home of its own and return it."""
    home = tmp_path_factory.mktemp("home")
    for name in FOREIGN_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("RALEX_HOME", str(home / "ralex"))
    monkeypatch.setattr(pytest_textual_snapshot, "SVGImageExtension", TopLevelSVG)
    return home
