"""Puts the parts of a session together."""

from collections.abc import Sequence
from functools import partial

from ralex.agent.approval import Approvals
from ralex.agent.changes import Changes
from ralex.agent.context import git_root
from ralex.agent.history import History
from ralex.agent.permissions import Permissions
from ralex.agent.prompt import SYSTEM_PROMPT
from ralex.agent.routes import RouteDesk
from ralex.agent.services import AgentServices
from ralex.agent.surroundings import Surroundings, surroundings_of
from ralex.agent.task import TaskTool
from ralex.agent.toolbox import Toolbox
from ralex.agent.turn_tools import AskUserTool
from ralex.core.events import AgentEvent, RouteDecided
from ralex.core.ids import SessionId
from ralex.tools.base import ToolContext


def make_surroundings(
    *, services: AgentServices, session_id: SessionId, project: str, events: Sequence[AgentEvent]
) -> Surroundings:
    """Put the parts of a session together.

    Args:
        events: What is stored of the session.

    Raises:
        ConfigError: If the remembered answers of the user cannot be read.
    """
    history = History(SYSTEM_PROMPT)
    history.feed_all(events)
    history.settle()
    desk = RouteDesk(services)
    approvals = Approvals()
    permissions = Permissions(
        mode=services.mode,
        rules=services.rules,
        project=str(git_root(services.cwd) or services.cwd),
        memory=services.memory,
        events=events,
    )
    task = TaskTool(
        services=services,
        session_id=session_id,
        project=project,
        desk=desk,
        permissions=permissions,
        approvals=approvals,
    )
    toolbox = Toolbox(
        tools=(*services.tools, task, AskUserTool(approvals)),
        context=ToolContext(
            cwd=services.cwd,
            output_dir=services.output_dir / session_id,
            environment=services.environment,
            extra_roots=services.extra_roots,
            jobs=services.jobs_of(session_id) if services.jobs_of else None,
        ),
        permissions=permissions,
        approvals=approvals,
        changes=Changes(
            partial(services.undo_of, session_id) if services.undo_of else None,
            session_id=session_id,
            store=services.store,
            events=events,
        ),
        secrets=services.secrets,
    )
    around = surroundings_of(
        services,
        session_id=session_id,
        project=project,
        history=history,
        toolbox=toolbox,
        desk=desk,
        approvals=approvals,
        events=events,
    )
    for event in events:
        if isinstance(event, RouteDecided):
            desk.resume(event.route)
    toolbox.restore(events)
    around.escalator.restore(events)
    return around
