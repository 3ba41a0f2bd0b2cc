"""Rules see a call's subject under every name that its tool takes it under."""

from pathlib import Path

import pytest

from ralex.tools.base import ToolContext
from ralex.tools.subjects import subject_of


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("bash", {"cmd": "ls"}, "ls"),
        ("bash", {"Shell_Command": "ls"}, "ls"),
        ("skill", {"skill": "deploy"}, "deploy"),
        ("skill", {"command": "deploy"}, "deploy"),
        ("web_fetch", {"uri": "HTTPS://Example.com.:8443/x"}, "example.com"),
        ("web_fetch", {"link": "example.com/x"}, "example.com"),
    ],
)
def test_aliases_are_read(
    tmp_path: Path, tool: str, arguments: dict[str, object], expected: str
) -> None:
    context = ToolContext(cwd=tmp_path, output_dir=tmp_path, environment={})
    assert subject_of(tool, arguments, context).texts == (expected,)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://bücher.test/x", "xn--bcher-kva.test"),
        ("http://ex\uff41mple.com/", "example.com"),
        ("http://example\u3002com/", "example.com"),
        ("http://16909060/", "1.2.3.4"),
        ("http://0x1020304/", "1.2.3.4"),
    ],
)
def test_a_host_is_named_as_it_will_be_asked(tmp_path: Path, url: str, host: str) -> None:
    context = ToolContext(cwd=tmp_path, output_dir=tmp_path, environment={})
    assert host in subject_of("web_fetch", {"url": url}, context).texts
