"""Entry point; knows nothing but the version, so that ``ralex --version`` is instant."""

import sys


def main() -> int:
    """Run the command line and give the exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from ralex.version import __version__  # noqa: PLC0415 - nothing else is needed for it

        sys.stdout.write(f"ralex {__version__}\n")
        return 0
    from ralex.cli import run  # noqa: PLC0415

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
