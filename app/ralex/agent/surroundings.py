"""What a session lends to each of its turns."""

import asyncio
from collections.abc import Sequence

from ralex.agent.approval import Approvals
from ralex.agent.context import NestedInstructions
from ralex.agent.escalator import Escalator
from ralex.agent.history import History
from ralex.agent.keeper import ContextKeeper
from ralex.agent.recorder import Recorder
from ralex.agent.routes import RouteDesk
from ralex.agent.services import AgentServices
from ralex.agent.sizing import RequestSizer
from ralex.agent.steering import Steering
from ralex.agent.toolbox import Toolbox
from ralex.core.events import AgentEvent
from ralex.core.ids import SessionId
from ralex.core.records import dataclass
from ralex.tools.base import TodoItem
from ralex.tools.titles import one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The parts of one session that a turn works with.

    Attributes:
        nested: Finds instruction files beside touched files.
    """

    services: AgentServices
    session_id: SessionId
    project: str
    history: History
    sizer: RequestSizer
    toolbox: Toolbox
    keeper: ContextKeeper
    escalator: Escalator
    steering: Steering
    nested: NestedInstructions
    desk: RouteDesk
    approvals: Approvals

    def recorder(self, queue: "asyncio.Queue[AgentEvent | None]") -> Recorder:
        """Make what stores and tells events.

        Args:
            queue: Read by whoever watches.
        """
        return Recorder(
            session_id=self.session_id,
            store=self.services.store,
            history=self.history,
            queue=queue,
        )


def surroundings_of(
    services: AgentServices,
    *,
    session_id: SessionId,
    project: str,
    history: History,
    toolbox: Toolbox,
    desk: RouteDesk,
    approvals: Approvals,
    events: Sequence[AgentEvent] = (),
) -> Surroundings:
    """Put the parts around a conversation together.

    Args:
        events: What is stored of it.
    """

    def plan() -> tuple[TodoItem, ...]:
        """Give what outlives a compaction verbatim: the todo list, and what runs meanwhile."""
        jobs = toolbox.context.jobs.all() if toolbox.context.jobs is not None else ()
        running = [job for job in jobs if job.state == "running"]
        return (
            *toolbox.context.todos,
            *(
                TodoItem(
                    text=f"job {job.id} runs in the background: {one_line(job.command)}",
                    status="in_progress",
                )
                for job in running
            ),
        )

    sizer = RequestSizer(toolbox.specs, schema=services.answer_schema)
    return Surroundings(
        services=services,
        session_id=session_id,
        project=project,
        history=history,
        sizer=sizer,
        toolbox=toolbox,
        keeper=ContextKeeper(
            services=services,
            session_id=session_id,
            project=project,
            history=history,
            sizer=sizer,
            tools=toolbox.specs,
            plan=plan,
            cheapest=desk.cheapest,
            router_name=lambda: desk.at_work.name,
        ),
        escalator=Escalator(
            services=services,
            session_id=session_id,
            project=project,
            history=history,
            desk=desk,
            plan=plan,
        ),
        steering=Steering(
            session_id=session_id, store=services.store, history=history, events=events
        ),
        nested=NestedInstructions(services.cwd),
        desk=desk,
        approvals=approvals,
    )
