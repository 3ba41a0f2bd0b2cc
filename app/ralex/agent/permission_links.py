"""Rules about paths, seen through links: what a rule forbids it forbids where a link leads to."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ralex.core.permission_match import fixed_part
from ralex.core.permissions import KINDS, Effect, Kind, Rule


def with_links_followed(rules: Sequence[Rule], root: str) -> tuple[Rule, ...]:
    """Add to rules that ask or deny the places to which their own paths lead.

    ``/tmp/x/**`` is about ``/private/tmp/x/**`` as well where ``/tmp`` is a link, and
    ``secrets/**`` about ``vault/**`` where ``secrets`` is a link to ``vault``. Links are looked
    up anew for each call, because a command may have set one.
    """
    return (*rules, *_led_to(rules, root))


def _led_to(rules: Sequence[Rule], root: str) -> Iterator[Rule]:
    for rule in rules:
        if rule.effect is Effect.ALLOW or KINDS.get(rule.tool) is not Kind.PATH:
            continue
        fixed = fixed_part(rule.pattern)
        if not fixed:
            continue
        place = os.path.normpath(os.path.join(root, fixed))  # noqa: PTH118 - a pattern, no path yet
        real = os.path.realpath(place)
        if real == place or "*" in real or "?" in real:
            continue
        rest = rule.pattern[len(fixed) :]
        ends = "/" if fixed.endswith("/") else ""
        yield replace(rule, pattern=f"{real}{ends}{rest}")
