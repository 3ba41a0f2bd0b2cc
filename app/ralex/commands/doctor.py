"""``ralex doctor``: what could be wrong here, said before it goes wrong.

Looks only at this machine unless ``--network`` is given, and then opens a connection to each
provider with a key without sending anything. Keys are named, never shown.
"""

import argparse
import os
import platform
import socket
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from ralex.commands.doctor_stores import store_findings
from ralex.config.load import ExplainedConfig, explain_config, usable_providers
from ralex.config.model import Config, ProviderConfig
from ralex.config.model_table import load_model_table
from ralex.core.formats import exact_usd
from ralex.core.model_table import dominated_tiers
from ralex.core.outcomes import advice, noticing
from ralex.core.records import dataclass
from ralex.errors import ConfigError, StoreError
from ralex.version import __version__

_PACKAGES = ("textual", "httpx", "pydantic", "tiktoken", "aiosqlite", "pygments")
_SOON_DAYS = 60
_CONNECT_S = 5.0
_OLDEST_SQLITE = (3, 37, 0)
"""The first with STRICT tables, which every database of ralex uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report; ``level`` is ``ok``, ``warn`` or ``fail``."""

    level: str
    text: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``ralex doctor``."""
    parser.add_argument(
        "--network", action="store_true", help="also try to connect to providers with a key"
    )
    parser.add_argument("--router", metavar="NAME", help="look at this router")
    parser.add_argument("--config", type=Path, metavar="FILE", help="read this file as well")


def run(
    args: argparse.Namespace,
    *,
    cwd: Path,
    environ: Mapping[str, str],
    stdout: TextIO,
    stderr: TextIO,
) -> int:
    """Print the findings; the exit code is 2 if one of them keeps ralex from working."""
    del stderr
    findings = list(_machine())
    try:
        explained = _explained(args, cwd, environ)
    except ConfigError as error:
        findings.append(Finding(level="fail", text=f"configuration: {error.message}"))
    else:
        today = datetime.now(UTC).date()
        findings += _configuration(explained)
        findings += _models(explained.config, today)
        findings += _escalation(explained.config, environ)
        findings += [
            Finding(level=level, text=text)
            for level, text in store_findings(explained.config, environ)
        ]
        if args.network:
            findings += _network(explained.config)
    marks = {"ok": "✓", "warn": "!", "fail": "✗"}
    for finding in findings:
        stdout.write(f"{marks[finding.level]} {finding.text}\n")
    return 2 if any(finding.level == "fail" for finding in findings) else 0


def _explained(args: argparse.Namespace, cwd: Path, environ: Mapping[str, str]) -> ExplainedConfig:
    from ralex.config.load import Flags  # noqa: PLC0415

    return explain_config(
        cwd=cwd,
        environ=environ,
        config_file=args.config,
        flags=Flags(router=args.router),
        require_key=False,
    )


def _machine() -> Iterator[Finding]:
    yield Finding(
        level="ok",
        text=f"ralex {__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}",
    )
    for package in _PACKAGES:
        try:
            yield Finding(level="ok", text=f"{package} {version(package)}")
        except PackageNotFoundError:
            yield Finding(level="fail", text=f"{package} is not installed")
    is_new = sqlite3.sqlite_version_info >= _OLDEST_SQLITE
    wanted = "" if is_new else "; 3.37 or newer is needed"
    yield Finding(level="ok" if is_new else "fail", text=f"SQLite {sqlite3.sqlite_version}{wanted}")
    encoding = (sys.getfilesystemencoding() or "").lower()
    if encoding != "utf-8":
        yield Finding(level="warn", text=f"file names are read as {encoding}, not UTF-8")


def _configuration(explained: ExplainedConfig) -> Iterator[Finding]:
    config = explained.config
    yield _home(config.home)
    yield Finding(level="ok", text="read: " + " ◂ ".join(config.sources))
    for warning in config.warnings:
        yield Finding(level="warn", text=warning)
    usable = usable_providers(config)
    for provider in config.providers.values():
        if provider.name in usable:
            yield Finding(level="ok", text=_provider(provider, explained.origins))
    if not usable:
        yield Finding(level="fail", text="no provider has a key; see: ralex config show")
    budget = config.budget
    if budget.is_limited and budget.daily_usd is not None:
        yield Finding(level="ok", text=f"at most {exact_usd(budget.daily_usd)} USD a day")
    elif not budget.is_limited:
        yield Finding(level="warn", text="no limit stops the spending")


def _home(home: Path) -> Finding:
    if not home.exists():
        return Finding(level="ok", text=f"home {home} (made when first needed)")
    if not os.access(home, os.W_OK | os.X_OK):
        return Finding(level="fail", text=f"home {home} may not be written")
    if home.stat().st_mode & 0o077:
        return Finding(level="warn", text=f"home {home} may be entered by others; chmod 700 it")
    return Finding(level="ok", text=f"home {home}")


def _provider(provider: ProviderConfig, origins: Mapping[str, str]) -> str:
    if provider.api_key is None:
        return f"provider {provider.name}: needs no key"
    origin = origins.get(f"providers.{provider.name}.api_key", "from a file")
    return f"provider {provider.name}: key set ({origin})"


def _models(config: Config, today: date) -> Iterator[Finding]:
    router = config.routers[config.router]
    yield Finding(level="ok", text=f"router {router.name} ({router.source or 'built-in'})")
    for found in dominated_tiers(router, load_model_table()):
        worse, better = found.why.worse, found.why.better
        yield Finding(
            level="warn",
            text=f"{found.tier.value} uses {worse.model}, which solved {worse.success:.1%} for "
            f"{worse.usd_per_task} USD a task; {better.model} solved {better.success:.1%} for "
            f"{better.usd_per_task} ({better.benchmark}, {better.date:%B %Y})",
        )
    for model_id in dict.fromkeys(one for chain in router.tiers.values() for one in chain):
        model = config.models[model_id]
        if model.is_deprecated:
            yield Finding(level="warn", text=f"{model.id} is deprecated")
        if model.retires is not None and (model.retires - today).days <= _SOON_DAYS:
            yield Finding(level="warn", text=f"{model.id} is to be retired on {model.retires}")


def _escalation(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Judge escalation by what is stored of past work, once that is enough."""
    if config.escalation == "off" or not (config.home / "sessions.db").exists():
        return
    import asyncio  # noqa: PLC0415 - most machines have nothing stored when they are looked at

    from ralex.commands.route_past import read_turns  # noqa: PLC0415

    try:
        found = noticing(asyncio.run(read_turns(config, environ, "")))
    except StoreError as error:
        yield Finding(level="warn", text=f"stored sessions: {error.message}")
        return
    if words := advice(found):
        yield Finding(level="warn", text=f"{words} (`ralex route --stats` has the figures)")
    elif found.is_enough:
        yield Finding(
            level="ok", text=f"escalation notices {found.d:.0%}, rejects {found.f:.0%} wrongly"
        )


def _network(config: Config) -> Iterator[Finding]:
    for name in sorted(usable_providers(config)):
        parts = urlsplit(config.providers[name].base_url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            socket.create_connection((host, port), timeout=_CONNECT_S).close()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            yield Finding(level="warn", text=f"{name}: {host}:{port} does not answer ({reason})")
        else:
            yield Finding(level="ok", text=f"{name}: {host}:{port} answers")
