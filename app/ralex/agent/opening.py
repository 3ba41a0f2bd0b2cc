"""Open sessions: fresh ones, and stored ones where they ended."""

from datetime import datetime

from ralex.agent.services import AgentServices
from ralex.agent.session import Session
from ralex.agent.titles import title_of
from ralex.core.ids import SessionId


async def start_session(services: AgentServices, *, first_prompt: str = "") -> Session:
    """Start a fresh session in the working directory."""
    project = str(services.cwd)
    title = title_of(first_prompt)
    session_id = await services.store.create(project=project, title=title)
    session = Session(services, session_id=session_id, project=project, title=title)
    await session.open_jobs()
    return session


async def resume_session(
    services: AgentServices,
    session_id: SessionId,
    *,
    title: str = "",
    last_used: datetime | None = None,
) -> Session:
    """Take up a stored session where it ended.

    Args:
        last_used: When something was last stored of it, with a zone; None if that is not known.

    Raises:
        SessionNotFoundError: If there is none of this id.
    """
    events = await services.store.load(session_id)
    session = Session(
        services, session_id=session_id, project=str(services.cwd), title=title, events=events
    )
    if last_used is not None:
        session.was_used(last_used)
    await session.open_jobs()
    return session
