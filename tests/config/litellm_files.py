"""LiteLLM configurations from text, loaded as they are and as their conversion."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ralex.config.litellm import Conversion, convert
from ralex.config.load import load_config, usable_providers
from ralex.config.model import Config
from ralex.config.scorers import scorer_for
from ralex.core.complexity import score_ask
from ralex.core.routing import RouteDecision, decide

KEYS = {
    "OPENAI_API_KEY": "k-openai",
    "ANTHROPIC_API_KEY": "k-anthropic",
    "MISTRAL_API_KEY": "k-mistral",
    "OPENROUTER_API_KEY": "k-openrouter",
    "OPENCODE_GO_API_KEY": "k-opencode",
    "GEMINI_API_KEY": "k-gemini",
}


@dataclass(frozen=True, slots=True)
class Files:
    folder: Path

    def write(self, text: str, name: str = "litellm.yaml") -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    def load(
        self,
        text: str | Path,
        environ: Mapping[str, str] | None = None,
        *,
        router: str | None = None,
        model: str | None = None,
        require_key: bool = True,
    ) -> Config:
        path = self.write(text) if isinstance(text, str) else text
        variables = KEYS if environ is None else environ
        return load_config(
            cwd=self.folder,
            environ={"RALEX_HOME": str(self.folder / "home"), **variables},
            config_file=path,
            router=router,
            model=model,
            require_key=require_key,
        )

    def convert(self, text: str) -> Conversion:
        return convert(self.write(text))

    def load_converted(self, path: Path, environ: Mapping[str, str] | None = None) -> Config:
        toml = self.write(convert(path).to_toml()[0], "converted.toml")
        return self.load(toml, environ)


def route(config: Config, ask: str, router: str | None = None) -> RouteDecision:
    chosen = config.routers[router or config.router]
    complexity = score_ask(
        ask, scorer_for(chosen), weights=chosen.weights, boundaries=chosen.boundaries
    )
    return decide(
        ask,
        complexity=complexity,
        router=chosen,
        models=config.models,
        usable=usable_providers(config),
        now=datetime(2026, 11, 20, 12, tzinfo=UTC),
    )


def notes(conversion: Conversion) -> list[str]:
    return [f"{note.line} {note.key}: {note.text}" for note in conversion.notes]
