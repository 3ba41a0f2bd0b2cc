"""What setting up does, without a widget: finds servers, tries a key, writes what worked."""

import asyncio
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from ralex.config.endpoints import KNOWN_PROVIDERS, check_key
from ralex.config.model import Config
from ralex.config.presets import load_presets
from ralex.config.setup import CloudChoice, LocalChoice, chosen_model, write_choice
from ralex.config.stored_keys import store_key
from ralex.core.ids import ModelId
from ralex.core.records import dataclass
from ralex.core.routing import Router
from ralex.core.tiers import TIERS
from ralex.errors import ConfigError, RalexError
from ralex.providers.local_servers import LocalServer, find_servers
from ralex.trial import TRIAL_TOKENS, Trial, try_model
from ralex.tui import formats

Loader: TypeAlias = Callable[[Mapping[str, str], Path | None], Config]
"""Reads the configuration with another environment, and with another file on top."""

_CLOUD_WITHIN_S: Final = 40.0
_LOCAL_WITHIN_S: Final = 180.0
_VARIABLE = re.compile(r"env:\s*([A-Za-z_][A-Za-z0-9_]*)\s*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A provider to choose from.

    Attributes:
        name: Of its preset.
        about: What it is good for, in a few words.
        key_page: Where a key is made.
    """

    name: str
    title: str
    about: str
    key_page: str

    @property
    def variable(self) -> str:
        """The variable that usually holds its key."""
        return KNOWN_PROVIDERS[self.name].key_names[0]


VENDORS: Final = (
    Vendor(
        name="openrouter",
        title="OpenRouter",
        about="models of all makers with one key",
        key_page="openrouter.ai/settings/keys",
    ),
    Vendor(
        name="anthropic",
        title="Anthropic",
        about="Claude",
        key_page="console.anthropic.com/settings/keys",
    ),
    Vendor(name="openai", title="OpenAI", about="GPT", key_page="platform.openai.com/api-keys"),
    Vendor(
        name="gemini", title="Google Gemini", about="Gemini", key_page="aistudio.google.com/apikey"
    ),
    Vendor(
        name="mistral",
        title="Mistral",
        about="Mistral, Devstral",
        key_page="console.mistral.ai/api-keys",
    ),
    Vendor(
        name="opencodego",
        title="OpenCode Go",
        about="open models, one plan",
        key_page="opencode.ai/auth",
    ),
)
SERVER_TITLES: Final[Mapping[str, str]] = {
    "ollama": "Ollama",
    "llamacpp": "llama.cpp",
    "lmstudio": "LM Studio",
}


class Trier(Protocol):
    """Makes the test call; ``ralex.trial.try_model`` fits."""

    async def __call__(self, config: Config, model: ModelId, *, within_s: float) -> Trial:
        """Ask a model for a word."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was written, and what is in force now.

    Attributes:
        places: Files that were written.
    """

    config: Config
    places: tuple[Path, ...]


class SetupDesk:
    """Tries and keeps a choice.

    Args:
        home: Ralex's own folder.
        load: Reads the configuration.
        find: Looks for servers on this machine; blocks for a second.
        trial: Makes the test call.
    """

    def __init__(
        self,
        *,
        home: Path,
        environ: Mapping[str, str],
        load: Loader,
        find: Callable[[], Sequence[LocalServer]] = find_servers,
        trial: Trier = try_model,
    ) -> None:
        self.home = home
        self._environ = environ
        self._load = load
        self._find = find
        self._trial = trial

    async def servers(self) -> Sequence[LocalServer]:
        """Find servers on this machine."""
        return await asyncio.to_thread(self._find)

    def model_of(self, choice: CloudChoice | LocalChoice) -> ModelId:
        """Name the model the test asks: the cheapest of the choice."""
        if isinstance(choice, LocalChoice):
            return chosen_model(choice)
        return _cheapest(load_presets()[choice.preset].router)

    def price_of_test(self, choice: CloudChoice | LocalChoice) -> str:
        """Say what the test will cost at most."""
        if isinstance(choice, LocalChoice):
            return "free"
        worst = Decimal(TRIAL_TOKENS) * self._output_rate(choice) / 1_000_000
        return f"less than {formats.usd(max(worst * 3, Decimal('0.0001')))}"

    def read_key(self, choice: CloudChoice, typed: str) -> tuple[CloudChoice, str]:
        """Read what was typed as a key or as ``env:NAME``, and give the choice with its key.

        Raises:
            ConfigError: If it is neither.
        """
        text = typed.strip()
        if not text:
            raise ConfigError("nothing was typed", hint="paste a key, or write env:NAME")
        if text.startswith("env:"):
            found = _VARIABLE.match(text)
            if found is None:
                raise ConfigError("this is no variable's name", hint="write it like env:MY_KEY")
            key = check_key(self._environ.get(found[1], ""), where=found[1])
            if key is None:
                raise ConfigError(
                    f"{found[1]} is not set here",
                    hint=f"leave, `export {found[1]}=…` and start ralex again",
                )
            return CloudChoice(preset=choice.preset, reference=found[1]), key
        return choice, check_key(text, where="this key") or ""

    async def test(self, choice: CloudChoice | LocalChoice, key: str) -> Trial:
        """Make the test call; nothing is written.

        Raises:
            RalexError: In plain words, if it fails.
        """
        model = self.model_of(choice)
        if isinstance(choice, CloudChoice):
            environ = {**self._environ, self._variable(choice): key, "RALEX_ROUTER": choice.preset}
            config = self._load(environ, None)
            return await self._trial(config, model, within_s=_CLOUD_WITHIN_S)
        with tempfile.TemporaryDirectory(prefix="ralex-") as folder:
            path = write_choice(Path(folder), choice)
            config = self._load(self._environ, path)
        return await self._trial(config, model, within_s=_LOCAL_WITHIN_S)

    def keep(self, choice: CloudChoice | LocalChoice, key: str) -> Kept:
        """Write the choice down for good, and read the configuration again.

        Raises:
            ConfigError: If a file cannot be written, or what is there contradicts the choice.
        """
        places: list[Path] = []
        if isinstance(choice, CloudChoice) and not choice.reference:
            places.append(store_key(self.home, self._variable(choice), key))
        places.append(write_choice(self.home, choice))
        return Kept(config=self._load(self._environ, None), places=tuple(places))

    def _output_rate(self, choice: CloudChoice) -> Decimal:
        try:
            config = self._load({**self._environ, "RALEX_ROUTER": choice.preset}, None)
            price = config.models[self.model_of(choice)].price
        except (RalexError, KeyError):
            return Decimal(0)
        return price.dated[-1].rates.output if price is not None else Decimal(0)

    def _variable(self, choice: CloudChoice) -> str:
        return KNOWN_PROVIDERS[choice.preset].key_names[0]


def home_words(path: Path) -> str:
    """Write a path as people do, with ``~`` for the home folder."""
    home = os.path.expanduser("~")  # noqa: PTH111 - no error where there is no home
    text = str(path)
    return "~" + text.removeprefix(home) if home != "/" and text.startswith(home + "/") else text


def _cheapest(router: Router) -> ModelId:
    return next(router.tiers[tier][0] for tier in TIERS if router.tiers.get(tier))
