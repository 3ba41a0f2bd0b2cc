"""What may be written on the command line, and what of it contradicts itself."""

import argparse
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NoReturn

from ralex.core.tiers import TIERS, Tier
from ralex.errors import UsageError

COMMANDS: dict[str, str] = {
    "route": "show which tier and model a text would get, and why",
    "spend": "report what was spent, by day, model, tier, provider, project or session",
    "budget": "show or set the limits",
    "models": "list models with prices and windows",
    "sessions": "list, show, search, export, fork, rename or delete sessions",
    "config": "show, begin or change the configuration; trust a project's",
    "import": "convert another program's configuration into config.toml",
    "doctor": "check the installation, the configuration and the keys",
    "demo": "play a real task with a scripted model; needs no key",
}

_EPILOG = "commands:\n" + "\n".join(f"  {name:10}{text}" for name, text in COMMANDS.items())
_EXIT_CODES = """

exit codes: 0 done · 1 the task failed · 2 usage or configuration · 3 budget · 4 provider or key
            5 step limit or loop · 130 interrupted"""


_SHARED_OPTIONS = ("--config", "--router")
"""What commands take as well as the main command line, so that it may stand before their name."""


def split_command(argv: Sequence[str]) -> tuple[str, Sequence[str]] | None:
    """Find a command and its arguments, also behind shared options: ``--config FILE route …``.

    Returns:
        The command's name and all of its arguments; None if the words begin a session.
    """
    at = 0
    while at < len(argv) and argv[at].partition("=")[0] in _SHARED_OPTIONS:
        at += 1 if "=" in argv[at] else 2
    if at >= len(argv) or argv[at] not in COMMANDS:
        return None
    return argv[at], [*argv[:at], *argv[at + 1 :]]


class Parser(argparse.ArgumentParser):
    """Reports wrong usage as ralex reports every error."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong instead of ending the process."""
        raise UsageError(message, hint=f"see `{self.prog} --help`")


def parser() -> argparse.ArgumentParser:
    """Build the parser of the main command."""
    main = Parser(
        prog="ralex",
        description="The cost-conscious coding companion for the terminal.",
        epilog=_EPILOG + _EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    main.add_argument("text", nargs="?", metavar="PROMPT", help="start the screen with this prompt")
    main.add_argument(
        "-p", "--prompt", metavar="TEXT", help="run one prompt without a screen; - reads stdin"
    )
    main.add_argument(
        "--output", choices=("text", "json", "stream-json"), default="text", help="with --prompt"
    )
    main.add_argument(
        "--json-schema",
        type=Path,
        metavar="FILE",
        help="with --prompt: the answer is JSON that follows this schema",
    )
    main.add_argument(
        "--raw",
        action="store_true",
        help="with --prompt: the answer byte for byte, control codes included",
    )
    main.add_argument(
        "--model", metavar="ID", help="use this model, not the router; `ralex models`"
    )
    main.add_argument("--tier", type=_tier, metavar="TIER", help=f"one of {', '.join(TIERS)}")
    main.add_argument("--router", metavar="NAME", help="a preset or one of your own")
    main.add_argument("--mode", choices=("yolo", "ask", "plan"), help="default: yolo")
    main.add_argument("--max-steps", type=_positive, metavar="N", help="model calls in one turn")
    main.add_argument("--max-cost", type=_usd, metavar="USD", help="limit of one turn")
    main.add_argument(
        "--tag", type=_tag, metavar="NAME", help="kept with every charge (or RALEX_TAG); see spend"
    )
    main.add_argument("--cwd", type=Path, metavar="DIR", default=Path(), help="work there")
    main.add_argument(
        "--add-dir",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="tools may work in this folder too; again for another (/undo knows only --cwd)",
    )
    main.add_argument(
        "-c", "--continue", dest="continues", action="store_true", help="the last session here"
    )
    main.add_argument("-r", "--resume", metavar="ID", help="a stored session; `ralex sessions`")
    main.add_argument(
        "--fork", dest="forks", action="store_true", help="with -c or -r: work in a copy of it"
    )
    main.add_argument("--config", type=Path, metavar="FILE", help="read this file as well")
    main.add_argument(
        "--plain", action="store_true", help="lines instead of a screen, for screen readers"
    )
    add_web(main)
    main.add_argument("--demo", action="store_true", help="the same as `ralex demo`")
    main.add_argument("--version", action="store_true", help="print the version")
    return main


def add_web(parser: argparse.ArgumentParser) -> None:
    """Declare what belongs to ``--web``."""
    parser.add_argument("--web", action="store_true", help="the screen in a browser")
    parser.add_argument(
        "--host", metavar="ADDRESS", help="with --web: listen there; default: this machine only"
    )
    parser.add_argument(
        "--port", type=_port, metavar="N", help="with --web: default 8377; 0 takes a free one"
    )


def check_combinations(args: argparse.Namespace) -> None:
    """Refuse what would otherwise be ignored in silence."""
    if args.prompt is not None and args.text is not None:
        raise UsageError(
            f"{args.text!r} is left over beside --prompt", hint="put the whole prompt in quotes"
        )
    if args.json_schema is not None and args.prompt is None:
        raise UsageError("--json-schema belongs to --prompt", hint="add --prompt TEXT")
    if args.continues and args.resume:
        raise UsageError("-c and -r name two sessions", hint="use one of them")
    if args.model and args.tier is not None:
        raise UsageError(
            "--model and --tier contradict each other",
            hint="--tier lets the router choose within the tier; --model names the model itself",
        )
    for name, listing in (("model", "ralex models"), ("resume", "ralex sessions list")):
        if getattr(args, name) is not None and not getattr(args, name).strip():
            raise UsageError(f"--{name} is empty", hint=f"leave it out, or see `{listing}`")


def _tier(text: str) -> Tier:
    try:
        return Tier(text.upper())
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"there is no tier {text!r}; the tiers are {', '.join(TIERS)}"
        ) from None


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def _usd(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount in USD") from None
    if not amount.is_finite() or amount <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount above 0")
    if amount < _NANO_USD:
        raise argparse.ArgumentTypeError(f"{text!r} is below a nano-dollar")
    return amount


def _tag(text: str) -> str:
    name = text.strip()
    if not name or len(name) > _LONGEST_TAG or not name.isprintable():
        raise argparse.ArgumentTypeError(
            f"{name[:40]!r} is no tag: 1 to {_LONGEST_TAG} printable characters"
        )
    return name


_LONGEST_TAG = 80
_NANO_USD = Decimal("0.000000001")
