"""From arguments to a front end, imported only in its branch, and to an exit code."""

import argparse
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from ralex.arguments import COMMANDS, Parser, add_web, check_combinations, parser, split_command
from ralex.errors import MissingKeyError, RalexError, UsageError

if TYPE_CHECKING:
    from ralex.config.model import Config
    from ralex.headless.structured import AnswerForm
    from ralex.run_options import RunOptions

_MODULES = {"import": "importing"}
"""Commands whose names are words of Python."""


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
        _silence(sys.stdout)
        return 0
    except OSError as error:
        _silence(sys.stdout)
        sys.stderr.write(f"ralex: error: the system refused: {error}\n")
        return 1
    finally:
        try:
            sys.stderr.flush()
        except (OSError, ValueError):  # a terminal that is gone
            _silence(sys.stderr)
    return code


def _run(argv: Sequence[str]) -> int:
    wants_json = _wants_json(argv)
    try:
        if (command := split_command(argv)) is not None:
            return _command(*command)
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


def _silence(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, so that nothing fails again at exit."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
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


def _prompt_or_screen(argv: Sequence[str]) -> int:
    args = parser().parse_args(argv)
    if args.version:
        from ralex.version import __version__  # noqa: PLC0415

        sys.stdout.write(f"ralex {__version__}\n")
        return 0
    if args.web or args.host is not None or args.port is not None:
        return _web(argv, args)
    if args.demo:
        return _demo(is_plain=args.plain)
    options = _options(args)
    if args.prompt is not None:
        from ralex.headless.stdin import read_prompt  # noqa: PLC0415

        form = None
        if args.json_schema is not None:
            from ralex.headless.structured import read_form  # noqa: PLC0415

            form = read_form(_here() / args.json_schema)
            options = replace(options, answer_schema=form.schema_json)
        prompt, attached = read_prompt(args.prompt, sys.stdin, sys.stderr)
        return _headless(_config(args, options), options, (prompt, attached), args, form)
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
    from ralex.run_options import RunOptions, check_folder  # noqa: PLC0415

    check_combinations(args)
    if args.forks and not (args.continues or args.resume):
        raise UsageError(
            "--fork needs a session to copy", hint="add -c for the last one here, or -r ID"
        )
    return RunOptions(
        tag=args.tag or os.environ.get("RALEX_TAG", "").strip()[:80],
        names_sessions=args.prompt is None,
        cwd=check_folder(_here() / args.cwd),
        resume=args.resume or "",
        continues=args.continues,
        forks=args.forks,
        tier=args.tier,
        max_cost_usd=args.max_cost,
        extra_roots=tuple(
            check_folder(_here() / folder, flag="--add-dir") for folder in args.add_dir
        ),
    )


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
    form: "AnswerForm | None",
) -> int:
    import asyncio  # noqa: PLC0415

    from ralex.headless.run import stdio_reporter  # noqa: PLC0415
    from ralex.headless.start import run_headless  # noqa: PLC0415

    reporter = stdio_reporter(args.output, is_raw=args.raw, form=form)
    return asyncio.run(run_headless(config, options, reporter, prompt[0], attached=prompt[1]))


def _web(argv: Sequence[str], args: argparse.Namespace) -> int:
    """Serve the screen; what belongs to the screen is passed on to each page's own ralex."""
    if not args.web:
        raise UsageError("--host and --port belong to --web", hint="add --web")
    if args.text is not None or args.prompt is not None:
        raise UsageError(
            "--web takes no prompt: every page that is opened would send it",
            hint="leave it out and write it on the page",
        )
    if args.plain:
        raise UsageError("--plain and --web contradict each other", hint="use one of them")
    if not args.demo:
        _config(args, _options(args), require_key=False)  # faults are told here, not on each page
    from ralex.web import DEFAULT_HOST, DEFAULT_PORT, run_web  # noqa: PLC0415

    own = Parser(add_help=False)
    add_web(own)
    _, rest = own.parse_known_args(argv)
    port = DEFAULT_PORT if args.port is None else args.port
    return run_web(rest, host=args.host or DEFAULT_HOST, port=port, stdout=sys.stdout)


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
    return _is_in_browser() or (sys.stdin.isatty() and sys.stdout.isatty())


def _is_in_browser() -> bool:
    """Tell whether a page of `ralex --web` stands where the terminal would be."""
    return "TEXTUAL_DRIVER" in os.environ


def _is_simple_terminal() -> bool:
    """Tell whether there is a terminal that says of itself that it can only show lines."""
    return os.environ.get("TERM") == "dumb" and _has_terminal() and not _is_in_browser()


def _check_terminal() -> None:
    if not _has_terminal():
        raise UsageError(
            "the screen needs a terminal, and there is none here",
            hint='use `ralex --prompt "…"` in scripts and pipes, or --plain to talk in lines',
        )


def _command(name: str, argv: Sequence[str]) -> int:
    """Run a subcommand; each lives in a module of its own."""
    if name == "demo":
        demo = Parser(prog="ralex demo", description=COMMANDS["demo"])
        demo.add_argument("--plain", action="store_true", help="lines instead of a screen")
        return _demo(is_plain=demo.parse_args(argv).plain)
    import importlib  # noqa: PLC0415

    module = importlib.import_module(f"ralex.commands.{_MODULES.get(name, name)}")
    command = Parser(prog=f"ralex {name}", description=COMMANDS[name])
    module.add_arguments(command)
    args = command.parse_args(argv)
    _log_to_file()
    start: Callable[..., int] = module.run
    return start(args, cwd=_here(), environ=os.environ, stdout=sys.stdout, stderr=sys.stderr)


def _log_to_file() -> None:
    """Send diagnostics to the log, or Python prints each one beside the message that says it."""
    from ralex.config.paths import home_folder  # noqa: PLC0415
    from ralex.logs import log_to_file  # noqa: PLC0415

    with suppress(RalexError):  # commands that need no home work without one
        log_to_file(home_folder(os.environ))


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError(
            "the current directory does not exist any more", hint="cd to one that does"
        ) from None
