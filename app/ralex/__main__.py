"""Entry point; knows nothing but the version, so that ``ralex --version`` is instant."""

import gc
import sys


def main() -> int:
    """Run the command line and give the exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from ralex.version import __version__  # noqa: PLC0415 - nothing else is needed for it

        sys.stdout.write(f"ralex {__version__}\n")
        return 0
    # Start-up makes tens of thousands of objects that stay; looking through them for garbage takes
    # a tenth of its time. A screen that opened a session looks more often, and not at those.
    gc.set_threshold(200_000, 20, 100)
    try:
        from ralex.cli import run  # noqa: PLC0415
    except KeyboardInterrupt:
        return 130
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
