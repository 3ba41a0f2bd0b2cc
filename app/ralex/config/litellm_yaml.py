"""YAML with places: values that know their line, bounded in size, depth and expansion.

Only the safe subset is read: no tag makes an object, aliases are counted each time they are used,
and floats are ``Decimal``, since prices are among them. PyYAML is imported when a file is read.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ralex.config.text_file import read_text
from ralex.core.records import dataclass
from ralex.errors import ConfigError

if TYPE_CHECKING:
    import yaml

MAX_DEPTH = 40
MAX_NODES = 100_000
"""Values after aliases are expanded: a few lines of nested aliases could make billions."""

_TAG = "tag:yaml.org,2002:"
YamlScalar: TypeAlias = str | int | bool | Decimal | None
YamlValue: TypeAlias = "YamlScalar | list[YamlNode] | dict[str, YamlNode]"


@dataclass(frozen=True, slots=True)
class YamlNode:
    """A value and the line, from 1, of its key or of its place in a list."""

    value: YamlValue
    line: int


def read_yaml(path: Path) -> YamlNode:
    """Read a YAML file.

    Raises:
        ConfigError: If it cannot be read or is not plain YAML; with the line where it is known.
    """
    return parse_yaml(read_text(path), path=path)


def parse_yaml(text: str, *, path: Path) -> YamlNode:
    """Parse YAML text; ``path`` is for messages.

    Raises:
        ConfigError: If it is not one plain document, or is nested or expands too far.
    """
    import yaml  # noqa: PLC0415 - only a YAML file needs it

    loader: type[yaml.CSafeLoader | yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # The composer recurses, so depth is checked on the flat stream of events before.
        _check_depth(yaml.parse(text, loader), path)
        root = yaml.compose(text, loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = "" if mark is None else f" line {mark.line + 1}, column {mark.column + 1}"
        raise ConfigError(
            f"{path}{where}: {error.problem or error.context}",
            hint="this place is not valid YAML",
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        line = str(error).splitlines()[0][:200]
        raise ConfigError(f"{path}: {line}", hint="the file is not valid YAML") from error
    if root is None:
        return YamlNode({}, 1)
    return _Tree(path).build(root, root.start_mark.line + 1, 0)


def _check_depth(events: "Iterator[yaml.Event]", path: Path) -> None:
    import yaml  # noqa: PLC0415

    depth = 0
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                mark = event.start_mark
                raise _too_deep(path, 1 if mark is None else mark.line + 1)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _too_deep(path: Path, line: int) -> ConfigError:
    return ConfigError(f"{path} line {line}: values are nested more than {MAX_DEPTH} deep")


class _Tree:
    """Turns PyYAML's nodes into values, counting what aliases expand to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0

    def build(self, node: "yaml.Node", line: int, depth: int) -> YamlNode:
        import yaml  # noqa: PLC0415

        self._count += 1
        if self._count > MAX_NODES:
            raise ConfigError(
                f"{self._path} line {line}: the aliases expand to more than {MAX_NODES:,} values",
                hint="write the values out instead of nesting aliases",
            )
        if depth > MAX_DEPTH:
            raise _too_deep(self._path, line)
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return YamlNode(self._mapping(node, depth), line)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            entries = [
                self.build(entry, entry.start_mark.line + 1, depth + 1) for entry in node.value
            ]
            return YamlNode(entries, line)
        if isinstance(node, yaml.ScalarNode):
            return YamlNode(self._scalar(node.tag, node.value, line), line)
        raise self._fault(line, f"the tag {node.tag[:60]!r} is not read", "leave it out")

    def _mapping(self, node: "yaml.MappingNode", depth: int) -> dict[str, YamlNode]:
        import yaml  # noqa: PLC0415

        own: dict[str, YamlNode] = {}
        merged: dict[str, YamlNode] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.tag == _TAG + "merge":
                for name, entry in self._merged(value, line, depth).items():
                    merged.setdefault(name, entry)
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise self._fault(line, "a key is a list or a mapping", "write a plain key")
            name = str(key.value)
            if name in own:
                raise self._fault(line, f"the key {name[:60]!r} stands here twice", "keep one")
            own[name] = self.build(value, line, depth + 1)
        return {**merged, **own}

    def _merged(self, value: "yaml.Node", line: int, depth: int) -> Mapping[str, YamlNode]:
        tree = self.build(value, line, depth + 1).value
        parts = tree if isinstance(tree, list) else [YamlNode(tree, line)]
        merged: dict[str, YamlNode] = {}
        for part in parts:
            if not isinstance(part.value, dict):
                raise self._fault(line, "<< merges something that is no mapping", "")
            for name, entry in part.value.items():
                merged.setdefault(name, entry)
        return merged

    def _scalar(self, tag: str, text: str, line: int) -> YamlScalar:
        match tag.removeprefix(_TAG):
            case "str" | "timestamp" | "value":
                return text
            case "null":
                return None
            case "bool":
                return text.lower() in {"yes", "true", "on"}
            case "int":
                return _whole(text)
            case "float":
                try:
                    return Decimal(text.replace("_", ""))
                except InvalidOperation:
                    raise self._fault(line, f"{text[:40]!r} is not a finite number", "") from None
            case _:
                raise self._fault(line, f"the tag {tag[:60]!r} is not read", "leave it out")

    def _fault(self, line: int, text: str, hint: str) -> ConfigError:
        return ConfigError(f"{self._path} line {line}: {text}", hint=hint)


def _whole(text: str) -> int | str:
    plain = text.replace("_", "")
    try:
        # YAML 1.1 takes a leading zero for an octal number.
        is_octal = plain.lstrip("+-").startswith("0") and plain.lstrip("+-").isdecimal()
        return int(plain, 8) if is_octal else int(plain, 0)
    except ValueError:
        return text  # hours and minutes, or more digits than Python reads
