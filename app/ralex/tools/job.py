"""Look after commands that go on in the background: list them, read what they print, end them."""

from collections.abc import Mapping

from ralex.core.messages import ToolSpec
from ralex.errors import ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.jobs import JobInfo, Jobs
from ralex.tools.params import Param, Params
from ralex.tools.titles import one_line

USAGE = "job list | read ID [SECONDS] | kill ID: background commands"

MAX_WAIT_S = 300
_ACTIONS: Mapping[str, str] = {
    "list": "list",
    "status": "list",
    "read": "read",
    "output": "read",
    "tail": "read",
    "wait": "read",
    "kill": "kill",
    "stop": "kill",
    "end": "kill",
    "terminate": "kill",
}

_PARAMS = Params(
    Param(name="action", required=True, description="list, read or kill"),
    Param(name="id", kind="integer", aliases=("job", "job_id", "number")),
    Param(
        name="wait",
        kind="integer",
        aliases=("wait_s", "timeout", "seconds"),
        description=f"with read: wait for its end, at most {MAX_WAIT_S} s",
    ),
)


def read_job(text: str) -> Mapping[str, object]:
    """Read ``read 2 30`` and the like."""
    words = text.split()
    if not words:
        return {"action": "list"}
    if words[0].isdecimal():
        words.insert(0, "read")
    return dict(zip(("action", "id", "wait"), words, strict=False))


def takes_time(arguments: Mapping[str, object]) -> bool:
    """Tell whether a call waits for a command, or for its end: files may change meanwhile."""
    try:
        values = _PARAMS.coerce(arguments)
        action = _ACTIONS.get(values.text("action").strip().casefold())
        return action == "kill" or (action == "read" and (values.integer("wait") or 0) > 0)
    except ToolError:
        return False


class JobTool:
    """Looks after background commands."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        return ToolSpec(
            name="job",
            description="Look after commands started with bash background=true.",
            schema_json=_PARAMS.schema_json,
        )

    @property
    def is_mutating(self) -> bool:
        """Ending what the session started itself changes nothing of the user's."""
        return False

    def title(self, arguments: Mapping[str, object]) -> str:
        """Say what is done to which job."""
        number = arguments.get("id") or arguments.get("job") or arguments.get("job_id") or ""
        return one_line(f"{arguments.get('action') or 'job'} {number}")

    async def run(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """Do it.

        Raises:
            ToolError: If there is no such job or action.
        """
        values = _PARAMS.coerce(arguments)
        action = _ACTIONS.get(values.text("action").strip().casefold())
        jobs = context.jobs
        if jobs is None:
            raise ToolError("there are no jobs here")
        if action is None:
            raise ToolError('argument "action" must be list, read or kill')
        if action == "list":
            return _listed(jobs.all())
        number = values.integer("id")
        if number is None:
            raise ToolError(f'argument "id" is missing; {_listed(jobs.all()).text}')
        if action == "kill":
            info = await jobs.kill(number)
        else:
            wait_s = min(max(values.integer("wait") or 0, 0), MAX_WAIT_S)
            info = await jobs.wait(number, wait_s) if wait_s else jobs.find(number)
        return _told(info, jobs)


def _listed(infos: tuple[JobInfo, ...]) -> ToolOutcome:
    lines = [f"job {info.id}: {one_line(info.command)}: {info.ending}" for info in infos]
    running = sum(1 for info in infos if info.state == "running")
    return ToolOutcome(
        text="\n".join(lines) or "there are no jobs", summary=f"{running} of {len(infos)} running"
    )


def _told(info: JobInfo, jobs: Jobs) -> ToolOutcome:
    shown = jobs.news(info.id) or "(nothing new)"
    return ToolOutcome(
        text=f"{shown}\n[job {info.id} {info.ending}; all of its output: {info.output}]",
        summary=f"job {info.id} · {info.ending}",
    )
