"""Arguments and exit codes; a front end is imported only inside the branch that needs it."""

import argparse
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

from ralex.core.tiers import TIERS, Tier
from ralex.errors import MissingKeyError, RalexError, UsageError

if TYPE_CHECKING:
    from ralex.config.model import Config
    from ralex.wiring import RunOptions

_MODULES = {"import": "importing"}
"""Commands whose names are words of Python."""

COMMANDS: dict[str, str] = {
    "route": "show which tier and model a text would get, and why",
    "spend": "report what was spent, by day, model, tier, provider, project or session",
    "budget": "show or set the limits",
    "models": "list models with prices and windows",
    "sessions": "list, show, search, export, fork, rename or delete sessions",
    "config": "show where the configuration is and what it says",
    "import": "convert another program's configuration into config.toml",
    "doctor": "check the installation, the configuration and the keys",
    "demo": "play a real task with a scripted model; needs no key",
}

_EPILOG = "commands:\n" + "\n".join(f"  {name:10}{text}" for name, text in COMMANDS.items())
_EXIT_CODES = """

exit codes: 0 done · 1 the task failed · 2 usage or configuration · 3 budget · 4 provider or key
            5 step limit or loop · 130 interrupted"""


class _Parser(argparse.ArgumentParser):
    """Reports wrong usage as ralex reports every error."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"see `{self.prog} --help`")


def run(argv: Sequence[str]) -> int:
    """Run a command line; the one place where errors become exit codes."""
    _open_missing_streams()
    try:
        code = _run(argv)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader went away, as `| head` does; nothing more may be written, not even at exit.
        _silence_stdout()
        return 0
    except OSError as error:
        _silence_stdout()
        sys.stderr.write(f"ralex: error: the system refused: {error}\n")
        return 1
    return code


def _run(argv: Sequence[str]) -> int:
    wants_json = _wants_json(argv)
    try:
        if argv and argv[0] in COMMANDS:
            return _command(argv[0], argv[1:])
        return _prompt_or_screen(argv)
    except RalexError as error:
        from ralex.headless.run import stdio_reporter  # noqa: PLC0415

        return stdio_reporter(wants_json or "text", is_raw=False).fail(error)


def _open_missing_streams() -> None:
    """Give closed standard streams a place to go, and let odd characters through as escapes."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    stdout: object = sys.stdout
    if isinstance(stdout, io.TextIOWrapper):
        cast("io.TextIOWrapper[io.BufferedWriter]", stdout).reconfigure(errors="backslashreplace")


def _silence_stdout() -> None:
    """Let what is still buffered go nowhere, so that nothing fails again at exit."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _wants_json(argv: Sequence[str]) -> str:
    """Find ``--output`` before parsing: wrong usage, too, is reported in the form asked for."""
    for position, word in enumerate(argv):
        value = ""
        if word == "--output" and position + 1 < len(argv):
            value = argv[position + 1]
        elif word.startswith("--output="):
            value = word.partition("=")[2]
        if value in ("json", "stream-json"):
            return value
    return ""


def parser() -> argparse.ArgumentParser:
    """Build the parser of the main command."""
    main = _Parser(
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
        "--raw", action="store_true", help="print the answer byte for byte, control codes included"
    )
    main.add_argument("--model", metavar="ID", help="use this model, not the router")
    main.add_argument("--tier", type=_tier, metavar="TIER", help=", ".join(TIERS))
    main.add_argument("--router", metavar="NAME", help="a preset or one of your own")
    main.add_argument("--mode", choices=("yolo", "ask", "plan"), help="default: yolo")
    main.add_argument("--max-steps", type=_positive, metavar="N", help="model calls in one turn")
    main.add_argument("--max-cost", type=_usd, metavar="USD", help="limit of one turn")
    main.add_argument("--cwd", type=Path, metavar="DIR", default=Path(), help="work there")
    main.add_argument(
        "-c", "--continue", dest="continues", action="store_true", help="the last session here"
    )
    main.add_argument("-r", "--resume", metavar="ID", help="a stored session")
    main.add_argument(
        "--fork", dest="forks", action="store_true", help="with -c or -r: work in a copy of it"
    )
    main.add_argument("--config", type=Path, metavar="FILE", help="read this file as well")
    main.add_argument(
        "--plain", action="store_true", help="lines instead of a screen, for screen readers"
    )
    main.add_argument("--demo", action="store_true", help="the same as `ralex demo`")
    main.add_argument("--version", action="store_true", help="print the version")
    return main


def _prompt_or_screen(argv: Sequence[str]) -> int:
    args = parser().parse_args(argv)
    if args.version:
        from ralex.version import __version__  # noqa: PLC0415

        sys.stdout.write(f"ralex {__version__}\n")
        return 0
    if args.demo:
        return _demo(is_plain=args.plain)
    options = _options(args)
    if args.prompt is not None:
        from ralex.headless.stdin import read_prompt  # noqa: PLC0415

        prompt, attached = read_prompt(args.prompt, sys.stdin, sys.stderr)
        return _headless(_config(args, options), options, (prompt, attached), args)
    if args.text is not None and not args.text.strip():
        raise UsageError("the prompt is empty", hint='say what to do: ralex "fix the failing test"')
    prompts = (args.text,) if args.text else ()
    if args.plain or _is_simple_terminal():
        from ralex.plain.start import run_plain  # noqa: PLC0415

        return run_plain(_config(args, options), options, prompts=prompts)
    _check_terminal()
    from ralex.tui.launch import run_screen  # noqa: PLC0415

    try:
        config = _config(args, options)
    except MissingKeyError:
        config = _config(args, options, require_key=False)
        if not config.untrusted and _can_call(config):
            raise
        return run_screen(config, options, prompts=prompts, load=_loader(args, options))
    load = _loader(args, options) if config.untrusted else None
    return run_screen(config, options, prompts=prompts, load=load)


def _can_call(config: "Config") -> bool:
    """Tell whether any provider can be called at all."""
    from ralex.config.load import usable_providers  # noqa: PLC0415

    return bool(usable_providers(config))


def _loader(
    args: argparse.Namespace, options: "RunOptions"
) -> "Callable[[Mapping[str, str], Path | None], Config]":
    """Give what reads the configuration again, for questions asked before the first session."""
    return lambda environ, file: _config(
        args, options, environ=environ, config_file=file, require_key=False
    )


def _options(args: argparse.Namespace) -> "RunOptions":
    from ralex.wiring import RunOptions, check_folder  # noqa: PLC0415

    _check_combinations(args)
    if args.forks and not (args.continues or args.resume):
        raise UsageError(
            "--fork needs a session to copy", hint="add -c for the last one here, or -r ID"
        )
    return RunOptions(
        cwd=check_folder(_here() / args.cwd),
        resume=args.resume or "",
        continues=args.continues,
        forks=args.forks,
        tier=args.tier,
        max_cost_usd=args.max_cost,
    )


def _check_combinations(args: argparse.Namespace) -> None:
    """Refuse what would otherwise be ignored in silence."""
    if args.prompt is not None and args.text is not None:
        raise UsageError(
            f"{args.text!r} is left over beside --prompt", hint="put the whole prompt in quotes"
        )
    if args.continues and args.resume:
        raise UsageError("-c and -r name two sessions", hint="use one of them")
    if args.model and args.tier is not None:
        raise UsageError(
            "--model and --tier contradict each other",
            hint="--tier lets the router choose within the tier; --model names the model itself",
        )
    for name in ("model", "resume"):
        if getattr(args, name) is not None and not getattr(args, name).strip():
            raise UsageError(f"--{name} is empty", hint=f"leave it out, or see `ralex {name}s`")


def _config(
    args: argparse.Namespace,
    options: "RunOptions",
    *,
    environ: Mapping[str, str] | None = None,
    config_file: Path | None = None,
    require_key: bool = True,
) -> "Config":
    from ralex.config.load import load_config  # noqa: PLC0415

    return load_config(
        cwd=options.cwd,
        environ=os.environ if environ is None else environ,
        config_file=config_file or args.config,
        require_key=require_key,
        router=args.router,
        model=args.model,
        mode=args.mode,
        max_steps=args.max_steps,
    )


def _headless(
    config: "Config",
    options: "RunOptions",
    prompt: tuple[str, str],
    args: argparse.Namespace,
) -> int:
    import asyncio  # noqa: PLC0415

    from ralex.headless.run import stdio_reporter  # noqa: PLC0415
    from ralex.headless.start import run_headless  # noqa: PLC0415

    reporter = stdio_reporter(args.output, is_raw=args.raw)
    return asyncio.run(run_headless(config, options, reporter, prompt[0], attached=prompt[1]))


def _demo(*, is_plain: bool = False) -> int:
    has_terminal = _has_terminal()
    if is_plain or (has_terminal and _is_simple_terminal()):
        from ralex.plain.start import run_demo_plain  # noqa: PLC0415

        return run_demo_plain()
    if has_terminal:
        from ralex.tui.launch import run_demo_screen  # noqa: PLC0415

        return run_demo_screen()
    from ralex.headless.demo import run_demo_headless  # noqa: PLC0415

    return run_demo_headless(sys.stdout, sys.stderr)


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _is_simple_terminal() -> bool:
    """Tell whether there is a terminal that says of itself that it can only show lines."""
    return os.environ.get("TERM") == "dumb" and _has_terminal()


def _check_terminal() -> None:
    if not _has_terminal():
        raise UsageError(
            "the screen needs a terminal, and there is none here",
            hint='use `ralex --prompt "…"` in scripts and pipes, or --plain to talk in lines',
        )


def _command(name: str, argv: Sequence[str]) -> int:
    """Run a subcommand; each lives in a module of its own."""
    if name == "demo":
        demo = _Parser(prog="ralex demo", description=COMMANDS["demo"])
        demo.add_argument("--plain", action="store_true", help="lines instead of a screen")
        return _demo(is_plain=demo.parse_args(argv).plain)
    import importlib  # noqa: PLC0415

    module = importlib.import_module(f"ralex.commands.{_MODULES.get(name, name)}")
    command = _Parser(prog=f"ralex {name}", description=COMMANDS[name])
    module.add_arguments(command)
    args = command.parse_args(argv)
    start: Callable[..., int] = module.run
    return start(args, cwd=_here(), environ=os.environ, stdout=sys.stdout, stderr=sys.stderr)


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError(
            "the current directory does not exist any more", hint="cd to one that does"
        ) from None


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


def _usd(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount in USD") from None
    if not amount.is_finite() or amount <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount above 0")
    return amount
