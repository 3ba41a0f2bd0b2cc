"""``ralex config``: where the configuration is, what is in force and why, and a file to start from.

Keys are never shown: only whether one is set and which variable gave it.
"""

import argparse
import os
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from ralex.config.load import ExplainedConfig, explain_config
from ralex.config.model import Config, ProviderConfig
from ralex.config.paths import CONFIG_NAME, ensure_folder, home_folder
from ralex.config.toml_edit import key_text
from ralex.core.formats import exact_usd
from ralex.errors import ConfigError, UsageError

STARTER = """\
# ralex: every line is optional. Keys belong in the environment: OPENROUTER_API_KEY, OPENAI_API_KEY,
# ANTHROPIC_API_KEY, GEMINI_API_KEY, MISTRAL_API_KEY, OPENCODE_API_KEY.
# What is in force and where it comes from: ralex config show

# router = "openrouter"     # or frontier, openai, anthropic, gemini, mistral, opencodego, local
# model = "openai/gpt-5.4"  # one model for everything, instead of a router
# mode = "yolo"             # or ask, plan
# theme = "ralex-dark"
# max_steps = 200           # model calls in one turn
# titles = "first-line"     # name sessions by the ask's first line, not by a cheap model (≤ $0.001)
# escalation = "off"        # no advice from, and no moving up to, a better model on evidence
# new_task_after_minutes = 120   # after such a pause a prompt begins a new task; default: never

[budget]
daily_usd = 5.00            # 0: nothing may be spent; false: no limit
alert_usd = 4.00
# session_usd = 2.00
# project_usd = 20.00
# monthly_usd = 60.00
# cutoff = true             # false: warn at the limit, do not stop

# [permissions]             # allow, ask or deny; deny wins in every mode; docs/permissions.md
# "bash(git push *)" = "deny"
# "edit(migrations/**)" = "ask"

# [timeouts]                # seconds
# connect_s = 10
# first_byte_s = 120        # until the answer begins
# idle_s = 60               # between two pieces of it

# [retries]
# count = 3                 # further attempts at the same model, with growing waits
# cooldown_s = 5            # how long a model that failed is tried last
# limit_wait_s = 60         # the longest wait for your own rpm and tpm (below)

# [cache]                   # the same question again, byte for byte, costs nothing
# enabled = true            # for calls of the library; off by default
# agent = false             # also for the agent's own steps
# ttl_s = 3600
# max_mb = 100

# [log]                     # for your own dashboards; never what was said
# events = true             # logs/events.jsonl: one line for each charge, route and turn
# otel = false              # OpenTelemetry spans; needs the extra otel

# [keys]                    # F1 shows the keys in force; the names are those of the actions:
# send = "enter"            # newline, history, editor, paste, unfold, budget, search, …
# newline = ["shift+enter", "ctrl+j"]

# [notify]                  # when a long turn ends, or asks, and the terminal has not the focus
# by = "bell"               # osc9, osc777: a notification of the terminal's; off
# after_s = 20              # shorter turns end silently
# focused = false           # true: also while you look

# [web_fetch]
# allow_private = false     # true: the model may fetch from private addresses and this machine too

# Any endpoint that speaks a known dialect:
# [providers.acme]
# api = "openai-chat"       # openai-responses, anthropic, gemini, mistral
# base_url = "http://127.0.0.1:8080/v1"
# api_key = "env:ACME_KEY"  # a server on this machine needs none

# [models."acme/fast"]
# price = { input = 0.10, output = 0.40 }   # USD per million tokens; free is 0, not left out
# context_window = 128000
# [models."acme/sonnet"]
# like = "anthropic/claude-sonnet-4-6"      # take over its prices, window and abilities
# name = "claude-4-6"       # its name on the wire, where that differs
# weight = 3                # its part of the load among deployments; 0 only stands by
# rpm = 60                  # your own limits on requests and tokens a minute
# tpm = 200000
# [models."acme/large".price]                 # dearer as a whole from a size of the input on
# input = 1.00
# output = 4.00
# long = [{ above_input_tokens = 200000, input = 2.00, output = 6.00 }]

# Names of your own for models; of several the first that has a key is taken:
# [aliases]
# quick = ["acme/fast", "openai/gpt-5.4-mini"]

# Several deployments of one model share its load and stand in for one another at once. Which one
# takes a call: weight × the headroom that its provider tells, and a session stays where it is.
# [deployments]
# sonnet = ["acme/sonnet", "anthropic/claude-sonnet-4-6"]

# What follows a model that fails, by kind of failure ("*": every model without a chain):
# [fallbacks]
# general = { "acme/fast" = ["openai/gpt-5.4-mini"] }
# context_window = { "acme/fast" = ["sonnet"] }       # the request is too long for it
# content_policy = { "*" = ["acme/large"] }           # it refuses what the request says

# A router of your own; a missing tier takes the next one up, a list is a fallback chain:
# [routers.mine]
# scorer = "ralex"          # or litellm: LiteLLM's heuristic, number for number
# tiers = { SIMPLE = "acme/fast", COMPLEX = ["sonnet", "acme/fast"] }
# weights = { reasoningMarkers = 0.40 }               # the others keep the scorer's own
# boundaries = { simple_medium = 0.10 }
# [[routers.mine.rules]]
# pattern = '(?i)\\b(typo|rename)\\b'
# tier = "SIMPLE"
# max_cost_usd = 0.01
# [routers.mine.options]    # whole lists and numbers that replace those of the scorer litellm
# technical_extra = ["kubernetes"]
# token_thresholds = [15, 400]
# keyword_tiers = [{ words = ["urgent"], tier = "COMPLEX" }]
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``ralex config``."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("show", "path", "init", "set", "trust", "untrust"),
        default="show",
        help="show what is in force (default), print the file's path, write one to start from, "
        "set a value in it, or let this project's own file decide (trust), or no longer (untrust)",
    )
    parser.add_argument(
        "key", nargs="?", help="with set: such as budget.daily_usd, or 'models.\"acme/fast\".tools'"
    )
    parser.add_argument(
        "value", nargs="?", help="with set: as in TOML; quotes around a text may be left out"
    )
    parser.add_argument("--router", metavar="NAME", help="as on the main command line")
    parser.add_argument("--config", type=Path, metavar="FILE", help="read this file as well")


def run(
    args: argparse.Namespace,
    *,
    cwd: Path,
    environ: Mapping[str, str],
    stdout: TextIO,
    stderr: TextIO,
) -> int:
    """Run the action and return the exit code.

    Raises:
        ConfigError: If the configuration cannot be read, or a file to be written exists.
    """
    path = home_folder(environ) / CONFIG_NAME
    is_set = args.action == "set"
    if is_set != (args.key is not None) or is_set != (args.value is not None):
        raise UsageError(
            f"config {args.action} takes {'a key and a value' if is_set else 'no key'}",
            hint="such as: ralex config set mode plan",
        )
    if args.action == "path":
        stdout.write(f"{path}\n")
    elif args.action == "init":
        _write_starter(path)
        stdout.write(f"wrote {path}\n")
    elif args.action == "set":
        from ralex.commands.config_set import set_key  # noqa: PLC0415

        names = set_key(path, args.key, args.value, cwd=cwd, environ=environ)
        stdout.write(f"set {key_text(names)} in {path}\n")
    elif args.action in {"trust", "untrust"}:
        from ralex.commands import trusting  # noqa: PLC0415 - a question of its own

        change = trusting.trust if args.action == "trust" else trusting.untrust
        change(cwd, environ, stdout)
    else:
        _show(args, cwd, environ, stdout, stderr)
    return 0


def _write_starter(path: Path) -> None:
    try:
        ensure_folder(path.parent)
        # Created with 0600, and never over a file that is there.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigError(
            f"{path} exists and is left as it is", hint="edit it, or move it away first"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}", hint="set RALEX_HOME to another folder"
        ) from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(STARTER)


def _show(
    args: argparse.Namespace,
    cwd: Path,
    environ: Mapping[str, str],
    stdout: TextIO,
    stderr: TextIO,
) -> None:
    from ralex.config.load import Flags  # noqa: PLC0415

    explained = explain_config(
        cwd=cwd,
        environ=environ,
        config_file=args.config,
        flags=Flags(router=args.router),
        require_key=False,
    )
    for line in _lines(explained):
        stdout.write(line + "\n")
    for warning in explained.config.warnings:
        stderr.write(f"warning: {warning}\n")


def _lines(explained: ExplainedConfig) -> Iterator[str]:
    config, origins = explained.config, explained.origins
    yield f"home = {config.home}"
    yield "read: " + " ◂ ".join(config.sources)
    yield ""
    settings = list(_settings(config))
    width = max(len(f"{name} = {value}") for name, value in settings)
    for name, value in settings:
        origin = origins.get(name, "built-in")
        yield f"{name} = {value}".ljust(width) + f"  # {origin}"
    yield ""
    for provider in config.providers.values():
        yield f"provider {provider.name}: {_key_state(provider, origins)}, {provider.base_url}"
    yield ""
    yield f"router {config.router}:"
    for tier, chain in config.routers[config.router].tiers.items():
        yield f"  {tier.value:9} → " + ", then ".join(chain)
    if config.deployments:
        yield ""
    for name, members in config.deployments.items():
        weights = (f"{one} (weight {config.models[one].weight:g})" for one in members)
        yield f"deployments {name}: " + ", ".join(weights)
    for kind in ("general", "context_window", "content_policy"):
        for model, rest in getattr(config.fallbacks, kind).items():
            yield f"fallback, {kind.replace('_', ' ')}: {model} → " + ", then ".join(rest)


def _settings(config: Config) -> Iterator[tuple[str, str]]:
    yield "router", config.router
    yield "model", config.model or "auto"
    yield "mode", config.mode
    yield "theme", config.theme
    yield "max_steps", str(config.max_steps)
    yield "escalation", config.escalation
    yield "new_task_after_minutes", str(config.new_task_after_minutes or "never")
    yield "titles", config.titles
    budget = config.budget
    yield "budget.daily_usd", _usd(budget.daily_usd)
    yield "budget.alert_usd", _usd(budget.alert_usd)
    yield "budget.session_usd", _usd(budget.session_usd)
    yield "budget.project_usd", _usd(budget.project_usd)
    yield "budget.monthly_usd", _usd(budget.monthly_usd)
    yield "budget.cutoff", "true" if budget.cutoff else "false"
    yield "timeouts.connect_s", f"{config.timeouts.connect_s:g}"
    yield "timeouts.first_byte_s", f"{config.timeouts.first_byte_s:g}"
    yield "timeouts.idle_s", f"{config.timeouts.idle_s:g}"
    yield "retries.count", _or_usual(config.retries.count)
    yield "retries.cooldown_s", _or_usual(config.retries.cooldown_s)
    yield "retries.limit_wait_s", _or_usual(config.retries.limit_wait_s)
    for name, keys in config.keys.items():
        yield f"keys.{name}", ", ".join(keys) or "none"
    yield "notify.by", config.notify.by
    yield "notify.after_s", f"{config.notify.after_s:g}"
    yield "notify.focused", "true" if config.notify.focused else "false"
    yield "cache.enabled", "true" if config.cache.enabled else "false"
    yield "cache.agent", "true" if config.cache.agent else "false"
    yield "cache.ttl_s", f"{config.cache.ttl_s:g}"
    yield "cache.max_mb", str(config.cache.max_mb)
    yield "log.events", "true" if config.log.events else "false"
    yield "log.otel", "true" if config.log.otel else "false"
    yield "web_fetch.allow_private", "true" if config.web_fetch.allow_private else "false"


def _or_usual(number: float | None) -> str:
    return "usual" if number is None else f"{number:g}"


def _usd(amount: Decimal | None) -> str:
    return "no limit" if amount is None else exact_usd(amount)


def _key_state(provider: ProviderConfig, origins: Mapping[str, str]) -> str:
    if provider.api_key is not None:
        origin = origins.get(f"providers.{provider.name}.api_key", "a file")
        return f"key set ({origin})"
    if not provider.needs_key:
        return "needs no key"
    return "no key" + (f" ({provider.key_names[0]} is not set)" if provider.key_names else "")
