"""A LiteLLM ``config.yaml`` as a configuration of ralex.

The file becomes the table that a config.toml would hold. ``--config`` lays that table over the
others with the lines of the YAML file; ``ralex import litellm`` writes it out. Both therefore
decide alike.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from ralex.config.catalogue import find_model, load_catalogue
from ralex.config.draft import Draft
from ralex.config.endpoints import check_base_url
from ralex.config.fallbacks import find_aliases, find_deployments, find_fallbacks
from ralex.config.files import apply_user_file
from ralex.config.litellm_chains import Fallbacks, fallback_tables, read_fallbacks
from ralex.config.litellm_models import ModelList, read_model_list
from ralex.config.litellm_providers import Endpoint, Kind, ProviderBook, provider_table
from ralex.config.litellm_reading import Item, Note, Reading, Table
from ralex.config.litellm_routers import OWN_NAME, RouterWriter
from ralex.config.litellm_settings import SettingsWriter
from ralex.config.litellm_words import note_key, note_rest
from ralex.config.litellm_yaml import read_yaml
from ralex.config.toml_text import KeyPath, TomlFile, TomlTable
from ralex.config.toml_write import write_toml
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo
from ralex.core.records import dataclass
from ralex.errors import ConfigError

PROVIDERS_FILE = "providers.json"
"""Custom OpenAI-like providers, beside the configuration."""

_MISSING_KEY = re.compile(r": api_key of '.* is not set$")
_SECRET_HEADER = re.compile(r"(?i)auth|key|token|secret|cookie")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What became of a file.

    Attributes:
        table: What config.toml would hold; keys that stand in the file are in it.
        lines: The line of the YAML file behind each key.
        notes: What has no counterpart, in the order of the lines.
        is_providers_only: The file is a ``providers.json`` by itself; it decides no routing.
        has_models: The list names a model that ralex can call, or lets any be asked for.
    """

    path: Path
    table: TomlTable
    lines: Mapping[KeyPath, int]
    notes: tuple[Note, ...]
    is_providers_only: bool = False
    has_models: bool = True

    def as_file(self) -> TomlFile:
        """Give the table as a file whose messages name the lines of the YAML file."""
        return TomlFile(path=self.path, text="", table=self.table, stated_lines=self.lines)

    def to_toml(self) -> tuple[str, tuple[str, ...]]:
        """Write config.toml; keys that stand in the file become variables, which are listed."""
        table, moved = _without_secrets(self.table)
        return write_toml(table), moved


def apply_litellm_file(draft: Draft, path: Path, environ: Mapping[str, str]) -> None:
    """Lay a LiteLLM configuration over the draft; it decides which router is in force.

    Raises:
        ConfigError: For the first fault, with file, line and key.
    """
    conversion = convert(path, environ)
    if not conversion.has_models:
        # Else the keys that happen to be set would decide which models are called.
        why = "; ".join(dict.fromkeys(note.text for note in conversion.notes[:3]))
        raise ConfigError(f"{path}: model_list names no model that ralex can call", hint=why)
    if not conversion.is_providers_only:
        draft.router = draft.model = None
    before = len(draft.warnings)
    apply_user_file(draft, conversion.as_file(), environ)
    # Which keys are missing is said where one is needed: by the router or model in force.
    draft.warnings[before:] = [
        text for text in draft.warnings[before:] if not _MISSING_KEY.search(text)
    ]
    count = len(conversion.notes)
    if count:
        settings = "setting has" if count == 1 else "settings have"
        draft.warnings.append(
            f"{path}: {count} {settings} no exact counterpart; see them with: "
            f"ralex import litellm {path} --report"
        )


def convert(path: Path, environ: Mapping[str, str] | None = None) -> Conversion:
    """Read a LiteLLM configuration, with the ``providers.json`` beside it.

    Args:
        environ: Resolves references that a table cannot hold, such as a price; None refuses them.

    Raises:
        ConfigError: For the first fault, with file, line and key.
    """
    reading = Reading(path=path, lookup=None if environ is None else environ.get)
    root = reading.root(read_yaml(path)).table()
    if path.suffix.lower() == ".json" and "model_list" not in root:
        return _providers_alone(path)
    book = ProviderBook()
    extra, more = _custom_providers(path.parent / PROVIDERS_FILE, book)
    return _Converter(reading, root, book, extra).run(more)


class _Converter:
    """Goes through the sections of one file."""

    def __init__(
        self, reading: Reading, root: Table, book: ProviderBook, extra: Iterable[str]
    ) -> None:
        self._reading = reading
        self._root = root
        self._book = book
        self._extra = extra
        self._table: TomlTable = {}
        self._lines: dict[KeyPath, int] = {}

    def run(self, more: list[Note]) -> Conversion:
        root = self._root
        sections = [
            item.table()
            for name in ("router_settings", "litellm_settings")
            if (item := root.take(name)) is not None
        ]
        holders = [*sections, root]
        listed = root.take("model_list")
        if listed is None:
            raise root.item.error(
                "there is no model_list", hint="is this a configuration of LiteLLM?"
            )
        models = read_model_list(
            listed, self._credentials(), self._book, cheapest_first=_is_cheapest_first(sections)
        )
        fallbacks = read_fallbacks(models, holders)
        settings = SettingsWriter()
        for section in holders:
            settings.read(section)
        aliases = self._aliases(models, holders)
        routers = self._routers(models, fallbacks, holders, listed)
        for name in ("budget", "retries", "timeouts", "cache"):
            if getattr(settings, name):
                self._table[name] = getattr(settings, name)
        self._lines |= settings.lines
        shared = {name: list(ids) for name in aliases if len(ids := _sharing(models, name)) > 1}
        aliases = {name: ids for name, ids in aliases.items() if name not in shared}
        if aliases:
            self._table["aliases"] = aliases
        if shared:
            self._table["deployments"] = shared
            self._lines |= {("deployments", name): self._lines["aliases", name] for name in shared}
        chains, lines = fallback_tables(models, fallbacks, {*aliases, *shared})
        if chains:
            self._table["fallbacks"] = chains
            self._lines |= lines
        self._providers(models)
        self._models(models)
        if routers:
            self._table["routers"] = routers
        for section in sections:
            note_rest(section)
        self._rest()
        notes = sorted(self._reading.notes, key=lambda note: note.line)
        return Conversion(
            path=self._reading.path,
            table=self._table,
            lines=self._lines,
            notes=(*notes, *more),
            has_models=models.is_open or any(models.groups.values()),
        )

    def _credentials(self) -> dict[str, Table]:
        given = self._root.take("credential_list")
        found: dict[str, Table] = {}
        for entry in given.entries() if given is not None else ():
            table = entry.table()
            name = table.need("credential_name").text()
            found[name] = table.need("credential_values").table()
        return found

    def _aliases(self, models: ModelList, holders: list[Table]) -> TomlTable:
        aliases: TomlTable = {}
        catalogue = load_catalogue()
        for name, group in models.groups.items():
            ids = models.ids(name)
            if not ids or ids == (name,):
                continue
            if name in models.models or ModelId(name) in catalogue:
                group[0].item.note(f"{name!r} is the id of another model; select it as {ids[0]}")
                continue
            aliases[name] = list(ids)
            self._lines["aliases", name] = group[0].item.line
        for holder in holders:
            given = holder.take("model_group_alias")
            for name, item in given.table().take_all() if given is not None else ():
                table = item.as_table()
                target = item if table is None else table.need("model")
                if table is not None:
                    note_rest(table)
                if target.text() not in models.groups:
                    raise target.error(f"model_list has no model named {target.text()[:80]!r}")
                aliases[name] = list(models.ids(target.text()))
                self._lines["aliases", name] = item.line
        return aliases

    def _routers(
        self, models: ModelList, fallbacks: Fallbacks, holders: list[Table], listed: Item
    ) -> dict[str, TomlTable]:
        writer = RouterWriter(models, fallbacks)
        routers: dict[str, TomlTable] = {}
        for entry in models.routers:
            table = writer.complexity_router(entry)
            if table is not None:
                routers[entry.name] = table
        given = [item for one in holders if (item := one.take("routing_rules")) is not None]
        for item in given[1:]:
            item.note("there are routing_rules elsewhere in the file; these are left out")
        if given and not given[0].is_empty:
            for name, table in routers.items():
                table["rules"] = writer.rules(given[0], name)
            if not routers:
                made = writer.router_of_rules(given[0])
                routers |= {OWN_NAME: made} if made is not None else {}
        elif not routers:
            made = writer.router_of_models(listed)
            routers |= {OWN_NAME: made} if made is not None else {}
        self._lines |= writer.lines
        return routers

    def _providers(self, models: ModelList) -> None:
        for prefix in self._extra:
            kind = self._book.kinds[prefix]
            if not any(one.kind is kind for one in self._book.named.values()):
                self._book.name_of(Endpoint(kind=kind))
        providers: TomlTable = {}
        for name, endpoint in models.book.named.items():
            table = provider_table(name, endpoint)
            if table:
                providers[name] = table
                self._lines["providers", name] = endpoint.line
        if providers:
            self._table["providers"] = providers

    def _models(self, models: ModelList) -> None:
        described = {
            name: facts
            for name, facts in models.models.items()
            if facts or ModelId(name) not in load_catalogue()
        }
        for name in described:
            self._lines["models", name] = models.model_lines[name]
        if described:
            self._table["models"] = dict(described)

    def _rest(self) -> None:
        """Report what is left at the top of the file, key by key."""
        for name, item in self._root.rest():
            table = item.as_table()
            if table is None or name == "environment_variables":
                note_key(name, item)
            else:
                note_rest(table)


def _sharing(models: ModelList, name: str) -> tuple[str, ...]:
    """List the deployments behind a name; none for a name that stands for another."""
    return models.ids(name) if name in models.groups else ()


def _is_cheapest_first(sections: list[Table]) -> bool:
    for section in sections:
        if "routing_strategy" not in section:
            continue
        strategy = section.take("routing_strategy")
        if strategy is None:
            continue
        if strategy.text() == "cost-based-routing":
            return True
        if strategy.text() != "simple-shuffle":
            strategy.note("deployments are drawn by weight × the headroom their providers tell")
    return False


def _custom_providers(path: Path, book: ProviderBook) -> tuple[dict[str, int], list[Note]]:
    """Read ``providers.json`` into the book and give the line of each provider.

    Its JSON is read as YAML, which knows its lines.
    """
    if not path.is_file():
        return {}, []
    reading = Reading(path=path)
    lines: dict[str, int] = {}
    for name, item in reading.root(read_yaml(path)).table().take_all():
        table = item.as_table()
        address = None if table is None else table.take("base_url")
        if table is None or address is None:
            item.note("has no base_url; left out")
            continue
        base_url = check_base_url(address.text(), where=address.where)
        key = table.take("api_key_env")
        kind = Kind(provider=name, base_url=base_url, keys=() if key is None else (key.text(),))
        note_rest(table)
        known = book.kinds.get(name)
        if known is not None and known.base_url == base_url and set(kind.keys) <= set(known.keys):
            continue
        book.kinds[name] = kind
        lines[name] = item.line
    return lines, reading.notes


def _providers_alone(path: Path) -> Conversion:
    """Convert a ``providers.json`` that is given by itself: its providers, without models."""
    book = ProviderBook()
    lines, notes = _custom_providers(path, book)
    if notes and not lines:
        raise ConfigError(
            f"{path}: there is neither a model_list nor a provider with a base_url",
            hint="is this a configuration of LiteLLM?",
        )
    written = {name: provider_table(name, Endpoint(kind=book.kinds[name])) for name in lines}
    return Conversion(
        path=path,
        table={"providers": written} if written else {},
        lines={("providers", name): line for name, line in lines.items()},
        notes=tuple(notes),
        is_providers_only=True,
    )


def _without_secrets(table: TomlTable) -> tuple[TomlTable, tuple[str, ...]]:
    """Put variables in the place of keys that stand in the file."""
    providers = cast("Mapping[str, TomlTable]", table.get("providers", {}))
    moved: list[str] = []
    written: TomlTable = {}
    for name, section in providers.items():
        own = dict(section)
        stem = re.sub(r"[^A-Za-z0-9]", "_", name).upper()
        if _is_secret(own.get("api_key", "none")):
            moved.append(f"{stem}_API_KEY")
            own["api_key"] = f"env:{moved[-1]}"
        headers = cast("Mapping[str, str]", own.get("headers", {}))
        safe = dict(headers)
        for header, value in headers.items():
            if _SECRET_HEADER.search(header) and _is_secret(value):
                moved.append(f"{stem}_{re.sub(r'[^A-Za-z0-9]', '_', header).upper()}")
                safe[header] = f"env:{moved[-1]}"
        if safe:
            own["headers"] = safe
        written[name] = own
    return ({**table, "providers": written} if written else table), tuple(moved)


def _is_secret(value: object) -> bool:
    return value != "none" and not str(value).startswith("env:")


def check(conversion: Conversion) -> None:
    """Lay a conversion over what is built in, to see that it loads.

    Raises:
        ConfigError: For the first fault, with the line of the YAML file.
    """
    draft = Draft(models=dict(load_catalogue()))
    apply_user_file(draft, conversion.as_file(), {})

    known: dict[str, tuple[ModelId, ...]] = {}

    def find(name: str) -> ModelInfo:
        found = find_model(name, models=draft.models, providers=draft.providers, aliases=known)
        draft.models.setdefault(found.id, found)
        return found

    find_aliases(draft.aliases, find, known)
    find_deployments(draft, find, known)
    find_fallbacks(draft, find, known)
    for planned in draft.routers.values():
        planned.build(find)
