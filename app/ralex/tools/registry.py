"""The tools every session has, in the order the model sees them."""

from ralex.tools.base import Tool
from ralex.tools.bash import BashTool
from ralex.tools.edit import EditTool
from ralex.tools.glob import GlobTool
from ralex.tools.grep import GrepTool
from ralex.tools.job import USAGE as JOB_USAGE
from ralex.tools.job import JobTool, read_job
from ralex.tools.ls import LsTool
from ralex.tools.more import MoreTool, OnDemand
from ralex.tools.read import ReadTool
from ralex.tools.skill import USAGE as SKILL_USAGE
from ralex.tools.skill import SkillTool, read_skill
from ralex.tools.todo import TodoTool
from ralex.tools.web_fetch import USAGE as WEB_USAGE
from ralex.tools.web_fetch import WebFetchTool, read_url
from ralex.tools.write import WriteTool


def default_tools(*, web_private: bool = False) -> tuple[Tool, ...]:
    """Make the tools; their order and texts never change, so that prompts stay cached.

    Args:
        web_private: ``web_fetch`` may ask private addresses and this machine.
    """
    web = WebFetchTool(allow_private=web_private)
    return (
        ReadTool(),
        WriteTool(),
        EditTool(),
        BashTool(),
        GrepTool(),
        GlobTool(),
        LsTool(),
        TodoTool(),
        MoreTool(
            OnDemand(tool=web, usage=WEB_USAGE, read=read_url, is_listed=True),
            OnDemand(tool=JobTool(), usage=JOB_USAGE, read=read_job),
            OnDemand(tool=SkillTool(), usage=SKILL_USAGE, read=read_skill),
        ),
    )
