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
from ralex.tools.todo import TodoTool
from ralex.tools.write import WriteTool


def default_tools() -> tuple[Tool, ...]:
    """Make the tools; their order and texts never change, so that prompts stay cached."""
    return (
        ReadTool(),
        WriteTool(),
        EditTool(),
        BashTool(),
        GrepTool(),
        GlobTool(),
        LsTool(),
        TodoTool(),
        MoreTool(OnDemand(tool=JobTool(), usage=JOB_USAGE, read=read_job)),
    )
