"""Locks between processes, and file systems that SQLite's log does not work on."""

from pathlib import Path

import pytest

from ralex.store import opening
from ralex.store.database import Database
from ralex.store.faults import LEDGER
from ralex.store.files import FileLock, network_filesystem

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:35 / /home rw - nfs4 server:/home rw
41 40 0:36 / /home/me/local\\040disk rw - xfs /dev/vdb rw
42 22 0:37 / /mnt/c rw - 9p drvfs rw
43 22 0:38 / /share rw - fuse.sshfs me@there:/ rw
44 22 0:39 / /homely rw - btrfs /dev/vdc rw
broken line
"""


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("/var/lib", ""),
        ("/home/me/.local/share/ralex", "nfs4"),
        ("/home/me/local disk/ralex", ""),
        ("/homely/ralex", ""),
        ("/mnt/c/Users", "9p"),
        ("/share", "fuse.sshfs"),
    ],
)
def test_a_network_file_system_is_found_by_the_deepest_mount(folder: str, found: str) -> None:
    assert network_filesystem(Path(folder), MOUNTS) == found


async def test_on_a_network_file_system_there_is_no_write_ahead_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_nfs(_folder: Path) -> str:
        return "nfs4"

    monkeypatch.setattr(opening, "network_filesystem", on_nfs)
    one = await Database.open(tmp_path / "ledger.db", LEDGER)
    two = await Database.open(tmp_path / "ledger.db", LEDGER)

    mode = await two.read(lambda connection: connection.execute("PRAGMA journal_mode").fetchone())

    assert mode == ("delete",)
    assert "network file system (nfs4)" in one.notices[0]
    await one.aclose()
    await two.aclose()


def test_a_lock_is_one_holders_and_carries_a_note(tmp_path: Path) -> None:
    one, two = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")

    assert one.try_acquire()
    one.leave_note("for you")
    assert not two.try_acquire()
    one.release()
    assert two.try_acquire()
    assert two.note() == "for you"
    two.release()
    two.release()
    with pytest.raises(RuntimeError, match="not held"):
        two.note()
