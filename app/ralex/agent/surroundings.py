"""What a session lends to each of its turns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ralex.agent.context import NestedInstructions
from ralex.agent.escalator import Escalator
from ralex.agent.history import History
from ralex.agent.keeper import ContextKeeper
from ralex.agent.routes import RouteDesk
from ralex.agent.services import AgentServices
from ralex.agent.sizing import RequestSizer
from ralex.agent.steering import Steering
from ralex.agent.toolbox import Toolbox
from ralex.core.capacity import CapacityDecision
from ralex.core.events import AgentEvent
from ralex.core.ids import ModelId, SessionId
from ralex.core.models import ModelInfo
from ralex.core.usage import Usage
from ralex.tools.base import TodoItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The parts of one session that a turn works with.

    Attributes:
        judge: Judges the size of a request: model, input and output tokens.
        called: Told of every answered call: model and usage.
        nested: Finds instruction files beside touched files.
        served_by: Notes in the receipt why one of several deployments serves the step.
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
    judge: Callable[[ModelInfo, int, int], CapacityDecision]
    called: Callable[[ModelId, Usage], None]
    served_by: Callable[[str], None]


def make_surroundings(
    *,
    services: AgentServices,
    session_id: SessionId,
    project: str,
    history: History,
    sizer: RequestSizer,
    toolbox: Toolbox,
    desk: RouteDesk,
    events: Sequence[AgentEvent],
) -> Surroundings:
    """Put the parts of a session together.

    Args:
        events: What is stored of the session.
    """

    def plan() -> tuple[TodoItem, ...]:
        return toolbox.context.todos

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
        judge=desk.judge,
        called=desk.called,
        served_by=desk.served_by,
    )
