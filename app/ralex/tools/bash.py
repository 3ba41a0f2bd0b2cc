"""Run a shell command and tell what it printed, how it ended and how long it took."""

import secrets
from collections.abc import Mapping

from ralex.core.messages import ToolSpec
from ralex.errors import ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.environment import QUIET
from ralex.tools.growth import Tell, told
from ralex.tools.output import OutputBuffer
from ralex.tools.params import COMMAND_ALIASES, Param, Params
from ralex.tools.process import ProcessEnd, run_shell
from ralex.tools.titles import title_from

DEFAULT_TIMEOUT_S = 120
MAX_TIMEOUT_S = 600
_MAX_COMMAND_BYTES = 100_000
_LEAST_MILLISECONDS = 10_000

_PARAMS = Params(
    Param(name="command", required=True, aliases=COMMAND_ALIASES),
    Param(
        name="timeout",
        kind="integer",
        aliases=("timeout_s", "timeout_seconds", "timeout_ms"),
        description=f"seconds, default {DEFAULT_TIMEOUT_S}, at most {MAX_TIMEOUT_S}",
    ),
    Param(
        name="background",
        kind="boolean",
        aliases=("run_in_background", "is_background", "detach", "async"),
        description="for servers and watchers: goes on as a job",
    ),
)


class BashTool:
    """Runs shell commands."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        return ToolSpec(
            name="bash",
            description=(
                "Run a bash command in the working directory. Each call is a fresh shell without "
                "input; processes it leaves behind are ended."
            ),
            schema_json=_PARAMS.schema_json,
        )

    @property
    def is_mutating(self) -> bool:
        """A command may change anything."""
        return True

    def title(self, arguments: Mapping[str, object]) -> str:
        """Give the command's beginning."""
        return title_from(arguments, ("command", *COMMAND_ALIASES), "bash")

    async def run(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """Run a command; a failing one is an outcome marked as an error, with its exit code.

        Raises:
            ToolError: If it cannot be started.
        """
        return await self.run_told(arguments, context, None)

    async def run_told(
        self, arguments: Mapping[str, object], context: ToolContext, tell: Tell | None
    ) -> ToolOutcome:
        """Run a command as ``run`` does and tell what it prints meanwhile.

        Raises:
            ToolError: If it cannot be started.
        """
        values = _PARAMS.coerce(arguments)
        command = values.text("command")
        if not command.strip() or "\0" in command:
            raise ToolError('argument "command" is blank or holds a NUL character')
        if len(command.encode("utf-8", "replace")) > _MAX_COMMAND_BYTES:
            raise ToolError("the command is too long: write it to a file and run that")
        if values.flag("background"):
            return await _in_background(command, context)
        timeout_s = _timeout(values.integer("timeout"))
        output = OutputBuffer(context.output_dir / f"bash-{secrets.token_hex(4)}.txt")
        try:
            async with told(output, tell):
                end = await run_shell(
                    command,
                    cwd=context.cwd,
                    environment={**context.environment, **QUIET},
                    timeout_s=timeout_s,
                    output=output,
                )
        except (OSError, UnicodeEncodeError) as error:
            raise _not_started(error, context) from error
        finally:
            output.close()
        return _outcome(output, end, timeout_s)


def _not_started(error: OSError | UnicodeEncodeError, context: ToolContext) -> ToolError:
    if isinstance(error, UnicodeEncodeError):
        return ToolError("the command holds half of a surrogate pair: send plain characters")
    if not context.cwd.is_dir():
        return ToolError(f"the working directory {context.cwd} is gone: make it again with write")
    return ToolError(f"bash could not be started: {error.strerror or error}")


async def _in_background(command: str, context: ToolContext) -> ToolOutcome:
    if context.jobs is None:
        raise ToolError("nothing can go on in the background here: run it without background")
    try:
        info = await context.jobs.start(
            command, cwd=context.cwd, environment={**context.environment, **QUIET}
        )
    except (OSError, UnicodeEncodeError) as error:
        raise _not_started(error, context) from error
    shown = context.jobs.news(info.id) or "(no output yet)"
    if info.state == "running":
        note = (
            f"job {info.id} runs in the background; all it prints goes to {info.output}. "
            f'Look after it with more, tool "job", input "read {info.id}" (what is new), '
            f'"read {info.id} 60" (waits for its end, 60 s at most), "kill {info.id}" or "list". '
            "You will be told when it ends"
        )
    else:
        note = f"job {info.id} {info.ending}"
    return ToolOutcome(
        text=f"{shown}\n[{note}]",
        summary=f"job {info.id} · {info.ending}",
        is_error=info.state != "running" and info.exit_code != 0,
        exit_code=info.exit_code,
    )


def _timeout(asked: int | None) -> int:
    """Bound the time; what could only be milliseconds is taken as such."""
    if asked is None or asked <= 0:
        return DEFAULT_TIMEOUT_S
    if asked >= _LEAST_MILLISECONDS:
        asked //= 1000
    return min(asked, MAX_TIMEOUT_S)


def _outcome(output: OutputBuffer, end: ProcessEnd, timeout_s: int) -> ToolOutcome:
    elapsed = f"{end.elapsed_s:.1f} s"
    if end.has_timed_out:
        note = (
            f"timed out after {timeout_s} s and was ended: give a longer timeout, a command that "
            "ends by itself and needs no input, or background=true for one that goes on"
        )
        summary = f"timed out · {elapsed}"
    else:
        cause = f" ({end.signal_name})" if end.signal_name else ""
        note = f"exit code {end.exit_code}{cause}, {elapsed}"
        summary = f"exit {end.exit_code} · {elapsed}"
    if end.had_children:
        note += "; processes it left behind were ended"
    shown = output.text().rstrip("\n")
    text = f"{shown}\n[{note}]" if shown else f"(no output)\n[{note}]"
    return ToolOutcome(
        text=text,
        summary=summary,
        is_error=end.has_timed_out or end.exit_code != 0,
        exit_code=end.exit_code,
    )
