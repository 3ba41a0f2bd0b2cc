"""Read the demo's story and lay out its sample project."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from ralex.core.records import dataclass
from ralex.providers.scripted import ScriptedCall, ScriptedStep

LABEL = "DEMO · scripted model, simulated prices"
LAST_WORDS = (
    "The demo's script is over. Everything around this model was real: routing, ledger, tools "
    "and files. Set a provider key, such as `OPENROUTER_API_KEY`, and start `ralex` in a project "
    "of yours."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is played.

    Attributes:
        files: Paths and texts of the sample project.
        prompts: What the user says, one per turn.
        steps: What the model says and does, over all turns.
    """

    files: Mapping[str, str]
    prompts: tuple[str, ...]
    steps: tuple[ScriptedStep, ...]


def load_story() -> Story:
    """Read the story that ships with ralex; its form is our own and held by a test."""
    text = Path(__file__).with_name("story.toml").read_text(encoding="utf-8")
    data = cast("dict[str, object]", tomllib.loads(text))
    files = cast("dict[str, str]", data["files"])
    turns = cast("list[dict[str, object]]", data["turns"])
    steps = [
        _step(step) for turn in turns for step in cast("list[dict[str, object]]", turn["steps"])
    ]
    return Story(
        files={path: text.removeprefix("\n") for path, text in files.items()},
        prompts=tuple(str(turn["prompt"]) for turn in turns),
        steps=tuple(steps),
    )


def lay_out(story: Story, folder: Path) -> None:
    """Write the sample project into a folder."""
    for name, text in story.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _step(data: Mapping[str, object]) -> ScriptedStep:
    calls = cast("Sequence[Mapping[str, object]]", data.get("calls", ()))
    return ScriptedStep(
        text=str(data.get("text", "")).strip(),
        reasoning=str(data.get("reasoning", "")),
        expect=str(data.get("expect", "")),
        calls=tuple(
            ScriptedCall(
                name=str(call["name"]),
                arguments=cast("Mapping[str, object]", call["arguments"]),
            )
            for call in calls
        ),
    )
