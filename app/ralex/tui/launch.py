"""Start the screen: the app first, and everything heavy behind its first frame."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ralex.config.model import Config
from ralex.logs import log_to_file
from ralex.opener import EngineOpener

if TYPE_CHECKING:
    from ralex.demo.stage import Stage
    from ralex.run_options import RunOptions
    from ralex.tui.preferences import Preferences
    from ralex.tui.screens.setup.desk import Loader

DEMO_TOKENS_PER_S = 60.0
"""A pace at which the demo's answers can be followed; models in use stream at 30 to 200."""


def preferences_of(config: Config) -> "Preferences":
    """Give the settings of the screen itself."""
    from ralex.tui.preferences import Preferences  # noqa: PLC0415

    return Preferences(
        keys=config.keys,
        home=config.home,
        notify_by=config.notify.by,
        notify_after_s=config.notify.after_s,
        notify_focused=config.notify.focused,
    )


def run_screen(
    config: Config,
    options: "RunOptions",
    *,
    prompts: Sequence[str] = (),
    load: "Loader | None" = None,
) -> int:
    """Run the app until the user leaves, and give the exit code.

    Args:
        load: Reads the configuration again; given where something has to be asked first.
    """
    from ralex.tui.app import RalexApp  # noqa: PLC0415
    from ralex.tui.themes import theme_for  # noqa: PLC0415

    log_to_file(config.home)
    opener = EngineOpener(config, options)
    lobby = None
    if load is not None:
        from ralex.tui.lobby import Lobby  # noqa: PLC0415

        lobby = Lobby(opener, config, environ=os.environ, load=load)
    app = RalexApp(
        opener,
        theme=theme_for(config.theme, os.environ),
        prompts=prompts,
        home=config.home,
        warnings=() if lobby else config.warnings,
        lobby=lobby,
        preferences=preferences_of(config),
    )
    app.run()
    if lobby is not None and lobby.wants_demo:
        return run_demo_screen()
    return app.return_code or 0


def run_demo_screen() -> int:
    """Play the demo on the screen."""
    from ralex.demo.stage import set_stage  # noqa: PLC0415

    with set_stage(tokens_per_s=DEMO_TOKENS_PER_S) as stage:
        return _run_demo(stage)


def _run_demo(stage: "Stage") -> int:
    from ralex.demo.story import LABEL  # noqa: PLC0415
    from ralex.run_options import RunOptions  # noqa: PLC0415
    from ralex.tui.app import RalexApp  # noqa: PLC0415
    from ralex.tui.themes import theme_for  # noqa: PLC0415

    options = RunOptions(cwd=stage.project, label=LABEL)
    opener = EngineOpener(stage.config, options, providers={"demo": stage.provider})
    app = RalexApp(
        opener,
        theme=theme_for(stage.config.theme, os.environ),
        prompts=stage.story.prompts,
        home=stage.config.home,
        preferences=preferences_of(stage.config),
    )
    app.run()
    return app.return_code or 0
