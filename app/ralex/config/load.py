"""Layers made into one Config: built-in, user's file, projects' files, environment, flags.

Without a file nothing is validated, so nothing heavy is loaded: the built-in layer is data of
ralex's own, and the environment is a handful of variables.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from ralex.config.catalogue import is_usable, load_catalogue
from ralex.config.draft import Draft, Said, parse_usd
from ralex.config.endpoints import (
    BASE_URL_VARIABLES,
    KNOWN_PROVIDERS,
    anthropic_base_url,
    check_base_url,
    sends_key_in_clear,
    with_key,
)
from ralex.config.finish import finish
from ralex.config.model import Config
from ralex.config.paths import CONFIG_NAME, KEYS_NAME, home_folder, project_files
from ralex.config.presets import Preset, load_presets
from ralex.core.records import dataclass
from ralex.errors import ConfigError

_MODES = ("yolo", "ask", "plan")
_LITELLM = frozenset({".yaml", ".yml", ".json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What the command line says; None where it says nothing."""

    router: str | None = None
    model: str | None = None
    mode: str | None = None
    max_steps: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedConfig:
    """A configuration and, for each setting, the layer that gave it.

    Attributes:
        origins: Such as ``budget.daily_usd`` → ``RALEX_DAILY_USD``; built-in values are not in it.
        user_file: The user's own file, which need not exist.
    """

    config: Config
    origins: Mapping[str, str]
    user_file: Path


def load_config(
    *,
    cwd: Path,
    environ: Mapping[str, str],
    config_file: Path | None = None,
    router: str | None = None,
    model: str | None = None,
    mode: str | None = None,
    max_steps: int | None = None,
    require_key: bool = True,
) -> Config:
    """Read all layers into one frozen configuration.

    Args:
        cwd: Where the project is looked for.
        config_file: Read as well, over the user's own file and with the same rights.
        router: From the command line, like ``model``, ``mode`` and ``max_steps``.
        require_key: Refuse if nothing can be called; False for commands that call nothing.

    Raises:
        ConfigError: With file, line and key of the first fault.
        MissingKeyError: If no provider can be called, with the variables to set.
    """
    flags = Flags(router=router, model=model, mode=mode, max_steps=max_steps)
    return explain_config(
        cwd=cwd, environ=environ, config_file=config_file, flags=flags, require_key=require_key
    ).config


def explain_config(
    *,
    cwd: Path,
    environ: Mapping[str, str],
    config_file: Path | None = None,
    flags: Flags | None = None,
    require_key: bool = True,
) -> ExplainedConfig:
    """Read all layers and remember which one gave what; see ``load_config``."""
    home = home_folder(environ)
    user_file = home / CONFIG_NAME
    draft = Draft(models=dict(load_catalogue()))
    presets = load_presets()
    keyed = _with_stored_keys(draft, home, environ)
    _apply_files(draft, user_file, config_file, cwd, keyed)
    _apply_environment(draft, environ, keyed)
    _apply_flags(draft, flags or Flags())
    _apply_local_preset(draft, presets)
    config = replace(finish(draft, home, presets, require_key=require_key), extra_file=config_file)
    return ExplainedConfig(
        config=config, origins=MappingProxyType(draft.origins), user_file=user_file
    )


def usable_providers(config: Config) -> frozenset[str]:
    """Name the providers that can be called: those with a key, and those that need none."""
    return frozenset(name for name, one in config.providers.items() if is_usable(one))


def _apply_files(
    draft: Draft, user_file: Path, extra: Path | None, cwd: Path, environ: Mapping[str, str]
) -> None:
    trusted = [user_file] if _is_there(user_file) else []
    if extra is not None:
        if not _is_there(extra):
            raise ConfigError(f"there is no file {extra}", hint="check the path after --config")
        trusted.append(extra)
    for path in trusted:
        if path.suffix.lower() in _LITELLM:
            from ralex.config.litellm import apply_litellm_file  # noqa: PLC0415 - brings YAML

            apply_litellm_file(draft, path, environ)
            draft.sources.append(f"{path} (LiteLLM)")
            continue
        from ralex.config.files import apply_user_file  # noqa: PLC0415 - only where there is one
        from ralex.config.toml_text import read_toml  # noqa: PLC0415

        apply_user_file(draft, read_toml(path), environ)
        draft.sources.append(str(path))
    for path in project_files(cwd, user_file=user_file):
        from ralex.config.projects import apply_file_of_project  # noqa: PLC0415 - only where there is one

        apply_file_of_project(draft, path, environ, home=user_file.parent)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}", hint="check its permissions"
        ) from error


def _with_stored_keys(draft: Draft, home: Path, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Give the environment with the keys that the user left with ralex below it."""
    if not _is_there(home / KEYS_NAME):
        return environ
    from ralex.config.stored_keys import is_readable_by_others, with_stored_keys  # noqa: PLC0415

    draft.sources.append(str(home / KEYS_NAME))
    if is_readable_by_others(home):
        draft.warnings.append(f"{home / KEYS_NAME} can be read by others; chmod 600 it")
    return with_stored_keys(home, environ)


def _apply_environment(draft: Draft, environ: Mapping[str, str], keyed: Mapping[str, str]) -> None:
    used: list[str] = []
    router = environ.get("RALEX_ROUTER", "").strip()
    if router:
        draft.router = Said(value=router, source="RALEX_ROUTER")
        used.append("RALEX_ROUTER")
    model = environ.get("RALEX_MODEL", "").strip()
    if model:
        draft.model = Said(value=model, source="RALEX_MODEL")
        used.append("RALEX_MODEL")
    daily = environ.get("RALEX_DAILY_USD", "").strip()
    if daily:
        draft.set_daily(parse_usd(daily, where="RALEX_DAILY_USD"), "RALEX_DAILY_USD")
        used.append("RALEX_DAILY_USD")
    used += _apply_addresses(draft, environ)
    used += _apply_keys(draft, environ, keyed)
    if used:
        draft.sources.append("environment: " + ", ".join(used))


def _apply_addresses(draft: Draft, environ: Mapping[str, str]) -> list[str]:
    used: list[str] = []
    for name, variable in BASE_URL_VARIABLES.items():
        text = environ.get(variable, "").strip()
        if not text:
            continue
        base_url = check_base_url(text, where=variable)
        if name == "anthropic":
            base_url = anthropic_base_url(base_url)
        provider = replace(draft.providers[name], base_url=base_url)
        if base_url != KNOWN_PROVIDERS[name].base_url:
            # A server of the user's own may need no key; if it does, it says so.
            provider = replace(provider, needs_key=False)
            draft.redirected.add(name)
            draft.origins[f"providers.{name}.base_url"] = variable
        draft.providers[name] = provider
        used.append(variable)
    return used


def _apply_keys(
    draft: Draft, environ: Mapping[str, str], with_stored: Mapping[str, str]
) -> list[str]:
    used: list[str] = []
    for name, provider in draft.providers.items():
        keyed = with_key(provider, with_stored)
        draft.providers[name] = keyed
        names = (one for one in provider.key_names if with_stored.get(one, "").strip())
        source = next(names, "")
        if source and environ.get(source, "").strip():
            draft.origins[f"providers.{name}.api_key"] = source
            used.append(source)
        elif source:
            draft.origins[f"providers.{name}.api_key"] = f"{source} in {KEYS_NAME}"
        if sends_key_in_clear(keyed):
            draft.warnings.append(
                f"the key of '{name}' is sent without encryption to {keyed.base_url}"
            )
    return used


def _apply_flags(draft: Draft, flags: Flags) -> None:
    used: list[str] = []
    if flags.router:
        draft.router = Said(value=flags.router, source="--router")
        used.append("--router")
    if flags.model:
        draft.model = Said(value=flags.model, source="--model")
        used.append("--model")
    if flags.mode is not None:
        if flags.mode not in _MODES:
            raise ConfigError("--mode must be yolo, ask or plan")
        draft.mode = flags.mode
        draft.origins["mode"] = "--mode"
        used.append("--mode")
    if flags.max_steps is not None:
        if flags.max_steps < 1:
            raise ConfigError("--max-steps must be 1 or more")
        draft.max_steps = flags.max_steps
        draft.origins["max_steps"] = "--max-steps"
        used.append("--max-steps")
    if used:
        draft.sources.append("flags: " + ", ".join(used))


def _add_preset_parts(draft: Draft, preset: Preset) -> None:
    """Add a preset's own endpoint and models below what the user says of them."""
    draft.providers = {**preset.providers, **draft.providers}
    for model_id, model in preset.models.items():
        draft.models.setdefault(model_id, model)


def _apply_local_preset(draft: Draft, presets: Mapping[str, Preset]) -> None:
    """Bring in the endpoint of a preset that is asked for, so that it never counts as a key."""
    wanted = {draft.router.value} if draft.router is not None else set[str]()
    for name, preset in presets.items():
        is_wanted = name in wanted and name not in draft.routers
        if is_wanted or any(owner in draft.providers for owner in preset.providers):
            _add_preset_parts(draft, preset)
