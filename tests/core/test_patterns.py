"""Patterns that wait for their first use."""

import re
import subprocess
import sys

import pytest

from ralex.core.patterns import lazy_pattern


def test_a_lazy_pattern_does_what_a_compiled_one_does() -> None:
    text, source = "one Two\nthree", r"(?P<word>[a-z]+)\s"
    lazy, plain = lazy_pattern(source, re.IGNORECASE), re.compile(source, re.IGNORECASE)
    assert lazy.findall(text) == plain.findall(text)
    assert lazy.sub("x", text) == plain.sub("x", text)
    assert [one["word"] for one in lazy.finditer(text)] == ["one", "Two"]
    found = lazy.search(text, 3)
    assert found is not None
    assert found.span() == (4, 8)
    assert (lazy.pattern, lazy.flags) == (plain.pattern, plain.flags)
    assert lazy.fullmatch(text) is None


def test_nothing_is_compiled_before_it_is_used() -> None:
    lazy = lazy_pattern("(")
    with pytest.raises(re.error):
        lazy.search("x")


def test_the_agent_comes_up_with_few_patterns_of_its_own() -> None:
    code = (
        "import re, sys\n"
        "made, real = [], re._compiler.compile\n"
        "def note(source, flags=0):\n"
        "    at = sys._getframe(1)\n"
        "    while 'ralex' not in at.f_globals['__name__']:\n"
        "        at = at.f_back\n"
        "        if at is None: break\n"
        "    if at is not None: made.append(at.f_globals['__name__'])\n"
        "    return real(source, flags)\n"
        "re._compiler.compile = note\n"
        "import ralex.wiring, ralex.agent.opening, ralex.tools.registry, ralex.core.followup\n"
        "quiet = ('edit_noise', 'followup', 'keywords', 'text_calls', 'vocabulary')\n"
        "print([name for name in made if name.endswith(quiet)])"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "[]"
