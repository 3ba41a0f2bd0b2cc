"""Owners are told apart from whoever has their process id later."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from ralex.store.owner import _started, is_alive, is_of_another_boot, this_process


def test_a_running_process_is_alive() -> None:
    assert is_alive(this_process())


def test_two_openings_in_one_process_are_two_owners() -> None:
    assert this_process().id != this_process().id


def test_a_process_that_ended_is_not_alive_even_before_it_is_reaped() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = replace(this_process(), pid=child.pid, started=_started(child.pid) or "")
    assert is_alive(owner)

    assert child.stdin is not None
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    is_zombie_alive = is_alive(owner)
    child.stdin.close()
    child.wait()

    assert not is_zombie_alive
    assert not is_alive(owner)


def test_another_process_with_the_same_id_is_not_the_owner() -> None:
    assert not is_alive(replace(this_process(), started="1"))


def test_a_reboot_ends_every_owner() -> None:
    before = replace(this_process(), boot="another")

    assert is_of_another_boot(before)
    assert not is_alive(before)


@pytest.mark.skipif(sys.platform != "linux", reason="pid namespaces are Linux's")
def test_an_owner_in_another_container_counts_as_alive() -> None:
    assert is_alive(replace(this_process(), namespace="pid:[1]", pid=2**22 - 1))
