"""Which shell commands check the work: tests, linters, type checkers, compilers, builds."""

import re

from ralex.core.patterns import lazy_pattern

_CHECK = lazy_pattern(
    r"""
    \b(?:pytest|unittest|tox|nox|ruff|mypy|(?:based)?pyright|flake8|pylint|eslint|tsc|vitest|jest|
    mocha|rspec|phpunit|ctest|clippy|shellcheck|golangci-lint|py_compile|compileall|gradlew?|mvnw?|
    bazel|phpstan|rubocop|biome|xcodebuild)\b
    |\b(?:cargo|go|swift|dotnet|zig|deno|bun|mix|stack|cabal|dune)\s+
      (?:test|build|check|vet|lint|run|compile)\b
    |\b(?:npm|pnpm|yarn|make|just|task|rake|composer|uv\s+run|poetry\s+run)\b.*
      (?:test|build|lint|check|compile|typecheck)
    |(?:^|[;&|]\s*)make\s*(?:$|[;&|])
    |(?:^|[\s;&|/])(?:run_)?tests?\.(?:sh|py)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)


def is_check(command: str) -> bool:
    """Tell whether a command checks the work, so that its exit code says something of it."""
    return _CHECK.search(command) is not None
