from pathlib import Path

from ralex.config.paths import ensure_folder, home_folder, project_files


def test_ralex_home_wins() -> None:
    environ = {"RALEX_HOME": "/r", "XDG_DATA_HOME": "/x", "HOME": "/h"}
    assert home_folder(environ, platform="linux") == Path("/r")


def test_a_tilde_in_ralex_home_is_the_users_home() -> None:
    assert home_folder({"RALEX_HOME": "~/r", "HOME": "/h"}) == Path("/h/r")


def test_linux_follows_xdg() -> None:
    assert home_folder({"HOME": "/h"}, platform="linux") == Path("/h/.local/share/ralex")
    xdg = {"HOME": "/h", "XDG_DATA_HOME": "/x"}
    assert home_folder(xdg, platform="linux") == Path("/x/ralex")


def test_a_relative_xdg_folder_is_ignored() -> None:
    environ = {"HOME": "/h", "XDG_DATA_HOME": "x"}
    assert home_folder(environ, platform="linux") == Path("/h/.local/share/ralex")


def test_macos_has_its_own_folder() -> None:
    expected = Path("/h/Library/Application Support/ralex")
    assert home_folder({"HOME": "/h"}, platform="darwin") == expected


def test_a_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    made = ensure_folder(tmp_path / "a" / "home")
    assert made.stat().st_mode & 0o777 == 0o700


def test_outside_a_repository_only_the_folder_itself_counts(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "sub"):
        (folder / ".ralex").mkdir(parents=True)
        (folder / ".ralex" / "config.toml").touch()
    found = project_files(tmp_path / "sub", user_file=tmp_path / "u.toml")
    assert found == (tmp_path / "sub" / ".ralex" / "config.toml",)


def test_the_users_own_file_is_not_a_projects(tmp_path: Path) -> None:
    own = tmp_path / ".ralex" / "config.toml"
    own.parent.mkdir()
    own.touch()
    assert project_files(tmp_path, user_file=own) == ()
