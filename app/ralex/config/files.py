"""The user's own file, laid over what is built in."""

import stat
from collections.abc import Mapping
from dataclasses import replace

from ralex.config.draft import Draft, PlannedAlias, PlannedRouter, Said
from ralex.config.endpoints import (
    KNOWN_PROVIDERS,
    check_base_url,
    check_key,
    is_loopback,
    read_key,
)
from ralex.config.keys import apply_keys
from ralex.config.model import ProviderConfig
from ralex.config.routers import plan_router
from ralex.config.schema import (
    BudgetSection,
    FileSection,
    ModelSection,
    PriceSection,
    ProviderSection,
    RatesSection,
    check_table,
)
from ralex.config.toml_text import KeyPath, TomlFile
from ralex.core.ids import ModelId
from ralex.core.models import (
    Api,
    DatedRates,
    LongContextRates,
    ModelInfo,
    PriceList,
    Rates,
)

_ENV = "env:"


def apply_user_file(draft: Draft, file: TomlFile, environ: Mapping[str, str]) -> None:
    """Lay a file that the user trusts over the draft.

    Routers and models of other files stay; where names are equal this file's win.

    Raises:
        ConfigError: For the first fault, with file, line and key.
    """
    content = check_table(file)
    _apply_scalars(draft, file, content)
    _apply_budget(draft, file, content.budget)
    apply_keys(draft, file, content.keys)
    for name, section in content.providers.items():
        draft.providers[name] = _provider(draft, file, name, section, environ)
    for name, section in content.models.items():
        model = _model(draft, file, name, section, environ)
        draft.models[model.id] = model
        if model.id not in draft.own_models:
            draft.own_models.append(model.id)
    if content.permissions:
        from ralex.config.permission_rules import rules_of  # noqa: PLC0415 - brings the shell's words
        from ralex.core.permissions import Layer  # noqa: PLC0415

        draft.permissions += rules_of(file, content.permissions, Layer.USER)
    _apply_names(draft, file, content)
    planned = {
        name: PlannedRouter(
            name=name,
            source=file.place(("routers", name)),
            build=plan_router(file, name, section),
        )
        for name, section in content.routers.items()
    }
    # The upper layer's come first: without a word on which to take, the first is taken.
    draft.routers = {**planned, **{k: v for k, v in draft.routers.items() if k not in planned}}


def _apply_names(draft: Draft, file: TomlFile, content: FileSection) -> None:
    """Take over names for models and chains of models; they are looked up later."""

    def planned(given: Mapping[str, list[str]], *path: str) -> dict[str, PlannedAlias]:
        return {
            name: PlannedAlias(models=tuple(names), source=file.place((*path, name)))
            for name, names in given.items()
        }

    draft.aliases |= planned(content.aliases, "aliases")
    draft.deployments |= planned(content.deployments, "deployments")
    for kind in ("general", "context_window", "content_policy"):
        given = planned(getattr(content.fallbacks, kind), "fallbacks", kind)
        if given:
            draft.fallbacks.setdefault(kind, {}).update(given)


def _apply_scalars(draft: Draft, file: TomlFile, content: FileSection) -> None:
    if content.router is not None:
        draft.router = Said(value=content.router, source=file.place(("router",)))
    if content.model is not None:
        draft.model = Said(value=content.model, source=file.place(("model",)))
    draft.mode = content.mode or draft.mode
    draft.theme = content.theme or draft.theme
    draft.max_steps = content.max_steps or draft.max_steps
    draft.escalation = content.escalation or draft.escalation
    draft.new_task_after_minutes = content.new_task_after_minutes or draft.new_task_after_minutes
    draft.titles = content.titles or draft.titles
    waits = content.timeouts.values_given()
    draft.timeouts = replace(draft.timeouts, **waits)
    again = content.retries.values_given()
    draft.retries = replace(draft.retries, **again)
    for name in again:
        draft.origins[f"retries.{name}"] = file.place(("retries", name))
    kept = content.cache.values_given()
    draft.cache = replace(draft.cache, **kept)
    for name in kept:
        draft.origins[f"cache.{name}"] = file.place(("cache", name))
    logs = content.log.values_given()
    draft.log = replace(draft.log, **logs)
    for name in logs:
        draft.origins[f"log.{name}"] = file.place(("log", name))
    calls = content.notify.values_given()
    draft.notify = replace(draft.notify, **calls)
    for name in calls:
        draft.origins[f"notify.{name}"] = file.place(("notify", name))
    fetching = content.web_fetch.values_given()
    draft.web_fetch = replace(draft.web_fetch, **fetching)
    for name in fetching:
        draft.origins[f"web_fetch.{name}"] = file.place(("web_fetch", name))
    for name in ("mode", "theme", "max_steps", "escalation", "titles", "new_task_after_minutes"):
        if name in content.fields_given:
            draft.origins[name] = file.place((name,))
    for name in waits:
        draft.origins[f"timeouts.{name}"] = file.place(("timeouts", name))


def _apply_budget(draft: Draft, file: TomlFile, budget: BudgetSection) -> None:
    given = budget.fields_given
    if "daily_usd" in given:
        draft.set_daily(budget.daily_usd, file.place(("budget", "daily_usd")))
    if "alert_usd" in given:
        draft.set_alert(budget.alert_usd, file.place(("budget", "alert_usd")))
    rest = [name for name in given if name not in {"daily_usd", "alert_usd"}]
    draft.limits = replace(draft.limits, **{name: getattr(budget, name) for name in rest})
    for name in rest:
        draft.origins[f"budget.{name}"] = file.place(("budget", name))


def _provider(
    draft: Draft,
    file: TomlFile,
    name: str,
    section: ProviderSection,
    environ: Mapping[str, str],
) -> ProviderConfig:
    here: KeyPath = ("providers", name)
    if "/" in name or not name.isprintable() or name != name.strip():
        raise file.error(here, "a provider's name may hold no slash, blank or odd character")
    known = KNOWN_PROVIDERS.get(name)
    if known is None and section.base_url is None:
        raise file.error(
            here,
            f"the provider '{name}' needs a base_url",
            hint='such as base_url = "http://127.0.0.1:8080/v1"',
        )
    provider = known or ProviderConfig(name=name, api=Api.OPENAI_CHAT, base_url="")
    if section.api is not None:
        provider = replace(provider, api=Api(section.api))
    if section.base_url is not None:
        address = _address(draft, file, (*here, "base_url"), section.base_url, environ)
        if address is None:
            # Without its address it cannot be called, and its key must not go anywhere else. What
            # is missing is the address, so its variable is the one that messages name.
            missing = (section.base_url.removeprefix(_ENV).strip(),)
            return replace(provider, api_key=None, key_names=missing, needs_key=True)
        provider = replace(provider, base_url=address)
        draft.redirected.add(name)
    needs_key = section.needs_key
    if needs_key is None:
        needs_key = not (section.api_key == "none" or is_loopback(provider.base_url))
    provider = replace(provider, needs_key=needs_key)
    provider = _with_file_key(draft, file, here, provider, section.api_key, environ)
    headers = {
        header: _secret(draft, file, (*here, "headers", header), text, environ) or ""
        for header, text in section.headers.items()
    }
    return replace(provider, headers=headers)


def _address(
    draft: Draft, file: TomlFile, place: KeyPath, text: str, environ: Mapping[str, str]
) -> str | None:
    """Read an address that may be ``env:NAME``; None if that variable is not set."""
    where = f"{file.place(place)}: base_url"
    if text.startswith(_ENV):
        variable = text.removeprefix(_ENV).strip()
        text = environ.get(variable, "").strip()
        if not text:
            draft.warnings.append(
                f"{where} of '{place[1]}' is env:{variable}, and {variable} is not set"
            )
            return None
    return check_base_url(text, where=where)


def _with_file_key(
    draft: Draft,
    file: TomlFile,
    here: KeyPath,
    provider: ProviderConfig,
    text: str | None,
    environ: Mapping[str, str],
) -> ProviderConfig:
    """Take the key a file gives; a variable it names replaces the usual ones."""
    if text is None or text == "none":
        return provider
    place: KeyPath = (*here, "api_key")
    if text.startswith(_ENV):
        named = text.removeprefix(_ENV).strip()
        usual = provider.key_names if named in provider.key_names else ()
        others = tuple(one for one in usual if one != named)
        provider = replace(provider, key_names=(named, *others))
        if any(read_key(environ, one) for one in others):
            return replace(provider, api_key=read_key(environ, named))
    return replace(provider, api_key=_secret(draft, file, place, text, environ))


def _secret(
    draft: Draft, file: TomlFile, place: KeyPath, text: str, environ: Mapping[str, str]
) -> str | None:
    """Read a value that may be ``env:NAME``; the value itself never reaches a message."""
    label = f"{place[-1]} of '{place[1]}'"
    if not text.startswith(_ENV):
        if _is_readable_by_others(file):
            draft.warnings.append(
                f"{file.place(place)}: {label} is in a file that others can read; "
                f'chmod 600 it, or use "env:NAME"'
            )
        if place[-1] == "api_key":
            return check_key(text, where=f"{file.place(place)}: {label}")
        if not text.isprintable():
            raise file.error(place, f"{label} holds a line break or another odd character")
        return text
    name = text.removeprefix(_ENV).strip()
    if not name.replace("_", "").isalnum():
        raise file.error(place, f"{label} names no variable", hint='write it like "env:ACME_KEY"')
    key = read_key(environ, name)
    if key is None:
        draft.warnings.append(f"{file.place(place)}: {label} is {text}, and {name} is not set")
    return key


def _is_readable_by_others(file: TomlFile) -> bool:
    try:
        return bool(file.path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False


def _model(
    draft: Draft,
    file: TomlFile,
    name: str,
    section: ModelSection,
    environ: Mapping[str, str],
) -> ModelInfo:
    here: KeyPath = ("models", name)
    if not name.isprintable() or name != name.strip():
        raise file.error(here, "a model's name may hold no odd character or blank at its ends")
    owner = _owner_of(draft, file, name, environ)
    wire_name = name.removeprefix(owner + "/")
    if not wire_name:
        raise file.error(here, f"the model '{name}' has no name after the slash")
    model_id = ModelId(f"{owner}/{wire_name}")
    model = draft.models.get(model_id) or ModelInfo(
        id=model_id,
        provider=owner,
        name=wire_name,
        api=draft.providers[owner].api,
        label=wire_name,
        source=str(file.path),
    )
    if section.like is not None:
        model = replace(_likeness(draft, file, here, section.like, model), api=model.api)
    given = section.values_given()
    for other in ("price", "api", "like"):
        given.pop(other, None)
    model = replace(model, **given)
    if section.api is not None:
        model = replace(model, api=Api(section.api))
    if section.price is not None:
        model = replace(model, price=_price(section.price, source=file.place((*here, "price"))))
    return model


def _likeness(
    draft: Draft, file: TomlFile, here: KeyPath, name: str, model: ModelInfo
) -> ModelInfo:
    """Take over what is known of another model: windows, abilities and prices."""
    other = draft.models.get(ModelId(name))
    if other is None:
        raise file.error((*here, "like"), f"no model has the id {name!r}", hint="see: ralex models")
    return replace(other, id=model.id, provider=model.provider, name=model.name, label=model.label)


def _owner_of(draft: Draft, file: TomlFile, name: str, environ: Mapping[str, str]) -> str:
    """Find the provider of a model: what is before the slash, or the only one it can mean."""
    owner, slash, _ = name.partition("/")
    if slash:
        if owner in draft.providers:
            return owner
        raise file.error(
            ("models", name),
            f"the model '{name}' belongs to no known provider",
            hint=f"add [providers.{owner}] with a base_url, or put a provider's name before it",
        )
    if environ.get("OPENAI_BASE_URL", "").strip():
        return "openai"
    own = [one for one in draft.providers if one not in KNOWN_PROVIDERS]
    if len(own) == 1:
        return own[0]
    raise file.error(
        ("models", name),
        f"it is not clear which provider has the model '{name}'",
        hint=f'write [models."provider/{name}"], or set OPENAI_BASE_URL',
    )


def _price(section: PriceSection, *, source: str) -> PriceList:
    steps = sorted(section.long, key=lambda step: step.above_input_tokens)
    dated = DatedRates(
        effective_from=None,
        rates=_rates(section),
        long_context=tuple(
            LongContextRates(above_input_tokens=step.above_input_tokens, rates=_rates(step))
            for step in steps
        ),
    )
    return PriceList(dated=(dated,), source=source)


def _rates(section: RatesSection) -> Rates:
    return Rates(
        input=section.input,
        output=section.output,
        cache_read=section.cache_read,
        cache_write=section.cache_write,
        cache_write_1h=section.cache_write_1h,
    )
