"""What a session lends to each of its turns."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ralex.agent.approval import Approvals
from ralex.agent.changes import Changes
from ralex.agent.context import NestedInstructions, git_root
from ralex.agent.escalator import Escalator
from ralex.agent.history import History
from ralex.agent.keeper import ContextKeeper
from ralex.agent.permissions import Permissions
from ralex.agent.prompt import SYSTEM_PROMPT
from ralex.agent.recorder import Recorder
from ralex.agent.routes import RouteDesk
from ralex.agent.services import AgentServices
from ralex.agent.sizing import RequestSizer
from ralex.agent.steering import Steering
from ralex.agent.toolbox import Toolbox
from ralex.agent.turn_tools import AskUserTool
from ralex.core.events import AgentEvent, RouteDecided
from ralex.core.ids import SessionId
from ralex.tools.base import TodoItem, ToolContext


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


def make_surroundings(
    *, services: AgentServices, session_id: SessionId, project: str, events: Sequence[AgentEvent]
) -> Surroundings:
    """Put the parts of a session together.

    Args:
        events: What is stored of the session.
    """
    history = History(SYSTEM_PROMPT)
    history.feed_all(events)
    history.settle()
    desk = RouteDesk(services)
    approvals = Approvals()
    toolbox = _make_toolbox(services, session_id, approvals, events)
    sizer = RequestSizer(toolbox.specs, schema=services.answer_schema)

    def plan() -> tuple[TodoItem, ...]:
        return toolbox.context.todos

    around = Surroundings(
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
            router_name=lambda: desk.router.name,
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
    for event in events:
        if isinstance(event, RouteDecided):
            desk.resume(event.route)
    desk.settle()
    around.escalator.restore(events)
    return around


def _make_toolbox(
    services: AgentServices,
    session_id: SessionId,
    approvals: Approvals,
    events: Sequence[AgentEvent],
) -> Toolbox:
    return Toolbox(
        tools=(*services.tools, AskUserTool(approvals)),
        context=ToolContext(
            cwd=services.cwd,
            output_dir=services.output_dir / session_id,
            environment=services.environment,
            extra_roots=services.extra_roots,
            jobs=services.jobs_of(session_id) if services.jobs_of else None,
        ),
        permissions=Permissions(
            mode=services.mode,
            rules=services.rules,
            project=str(git_root(services.cwd) or services.cwd),
            memory=services.memory,
            events=events,
        ),
        approvals=approvals,
        changes=Changes(
            partial(services.undo_of, session_id) if services.undo_of else None,
            session_id=session_id,
            store=services.store,
            events=events,
        ),
        secrets=services.secrets,
    )
