"""``[permissions]`` of a file as rules that say where they stand."""

from collections.abc import Mapping
from pathlib import Path

from ralex.config.toml_text import TomlFile
from ralex.core.permissions import Effect, Layer, Rule, RuleError, parse_rule


def rules_of(file: TomlFile, section: Mapping[str, str], layer: Layer) -> list[Rule]:
    """Read the rules of one file.

    Raises:
        ConfigError: If a key is no rule, with file and line.
    """
    rules: list[Rule] = []
    for name, effect in section.items():
        place = ("permissions", name)
        try:
            known = name.replace("(~/", f"({Path.home()}/", 1)
            rule = parse_rule(known, Effect(effect), layer=layer, source=file.place(place))
        except RuleError as error:
            hint = 'such as "bash(git push *)" = "deny" or "edit" = "ask"'
            raise file.error(
                place, f"{name[:60]!r} in [permissions]: {error}", hint=hint
            ) from error
        rules.append(rule)
    return rules
