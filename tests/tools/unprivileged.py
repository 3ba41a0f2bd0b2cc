"""Run a piece of Python that file permissions hold for, also where the tests are run by root."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

_PRELUDE = """
import asyncio, sys
from pathlib import Path
from ralex.errors import ToolError
from ralex.tools.base import ToolContext
from ralex.tools.registry import default_tools

tools = {tool.spec.name: tool for tool in default_tools()}
context = ToolContext(
    cwd=Path.cwd(), output_dir=Path("outputs").resolve(), environment={"PATH": sys.argv[1]}
)

def call(name, **arguments):
    try:
        return asyncio.run(tools[name].run(arguments, context)).text
    except ToolError as error:
        return f"refused: {error.message}"

"""


def run_unprivileged(code: str, folder: Path, *, path: str = "/usr/bin:/bin") -> str:
    """Run code in a folder; it has ``call(tool, **arguments)``. Gives what it printed."""
    command = [sys.executable, "-c", _PRELUDE + textwrap.dedent(code), path]
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("root is bound by no permissions")
        command = [setpriv, "--bounding-set=-dac_override,-dac_read_search", *command]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
