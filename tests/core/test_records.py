"""Records behave as the standard library's, which they are measured against here."""

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any, ClassVar, cast

import pytest

from ralex.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place, with everything a field can say."""

    kind: ClassVar[str] = "point"
    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list[str], compare=False)
    secret: str = field(default="s", repr=False)
    marked: int = field(default=7, init=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deep(Point):
    """One that inherits."""

    z: int = 3


@dataclass
class Loose:
    """One that may change, and checks itself."""

    a: int
    b: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        self.b.append(self.a)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """What ``Point`` is in the standard library's words."""

    kind: ClassVar[str] = "point"
    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list[str], compare=False)
    secret: str = field(default="s", repr=False)
    marked: int = field(default=7, init=False)


ACTS: list[Callable[[Any], object]] = [
    lambda kind: kind(x=1),
    lambda kind: kind(x=1, y=5, tags=["a"], secret="t"),
    lambda kind: kind(1),
    lambda kind: kind(),
    lambda kind: kind(x=1, nothing=2),
    lambda kind: kind(x=1, marked=2),
    lambda kind: kind(x=1) == kind(x=1, tags=["b"]),
    lambda kind: kind(x=1) == kind(x=2),
    lambda kind: kind(x=1) == 1,
    lambda kind: len({kind(x=1), kind(x=1, tags=["b"]), kind(x=2)}),
    lambda kind: replace(kind(x=1), y=9),
    lambda kind: setattr(kind(x=1), "x", 2),
    lambda kind: delattr(kind(x=1), "x"),
    lambda kind: copy.deepcopy(kind(x=1, tags=["a"])),
    lambda kind: pickle.loads(pickle.dumps(kind(x=1, tags=["a"]))),
    lambda kind: kind(x=1).tags is not kind(x=1).tags,
    lambda kind: [(one.name, one.init, one.compare) for one in fields(kind)],
    lambda kind: dataclasses.asdict(kind(x=1)),
    lambda kind: [*inspect.signature(kind).parameters],
    lambda kind: (kind.__match_args__, hasattr(kind(x=1), "__dict__"), kind.kind),
]


def outcome(act: Callable[[Any], object], kind: type) -> object:
    try:
        made = act(kind)
    except (TypeError, AttributeError) as error:
        return type(error)
    return repr(made).replace(kind.__name__, "It")


@pytest.mark.parametrize("act", ACTS)
def test_a_record_does_what_a_standard_one_does(act: Callable[[Any], object]) -> None:
    assert outcome(act, Point) == outcome(act, Standard)


def test_a_record_inherits_and_is_never_equal_to_its_parent() -> None:
    assert Deep(x=1) == Deep(x=1, z=3)
    assert cast("object", Deep(x=1)) != Point(x=1)
    assert repr(Deep(x=1)) == "Deep(x=1, y=2, tags=[], marked=7, z=3)"


def test_a_record_that_may_change_checks_itself_and_cannot_be_a_key() -> None:
    loose = Loose(4)
    loose.a = 5
    assert (loose.a, loose.b) == (5, [4])
    with pytest.raises(TypeError, match="unhashable"):
        hash(loose)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        Point(x=1).x = 2  # pyright: ignore[reportAttributeAccessIssue]  # that is the point


def test_no_constructor_of_ralex_is_compiled_before_it_is_called() -> None:
    code = (
        "from ralex.core.events import TurnFinished as made\n"
        "import sys; sys.exit(made.__init__.__code__.co_flags & 4 == 0)"  # takes *args: a stand-in
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
