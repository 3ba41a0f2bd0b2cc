"""The transcript's styles, made once per theme from the theme's variables.

The transcript draws its own lines, so it reads the same variables as the style sheets do instead
of having hundreds of component classes.
"""

from collections.abc import Mapping

from rich.style import Style
from textual.color import Color

from ralex.core.records import dataclass
from ralex.core.tiers import TIERS, Tier

BOLD = Style(bold=True)
ITALIC = Style(italic=True)
STRIKE = Style(strike=True)
UNDERLINE = Style(underline=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Every style the transcript draws with; backgrounds only where they carry meaning."""

    text: Style
    muted: Style
    faint: Style
    primary: Style
    secondary: Style
    accent: Style
    success: Style
    warning: Style
    error: Style
    heading: Style
    inline_code: Style
    link: Style
    code: Style
    raised: Style
    added: Style
    removed: Style
    added_sign: Style
    removed_sign: Style
    hunk: Style
    current: Style
    match: Style
    match_here: Style
    syntax: Mapping[str, Style]
    tiers: Mapping[Tier, Style]

    def tier(self, tier: Tier | None) -> Style:
        """Give the colour of a tier; a model outside the tiers has the accent."""
        return self.accent if tier is None else self.tiers[tier]


def palette(variables: Mapping[str, str]) -> Palette:
    """Make the styles from an app's theme variables."""

    def ink(name: str, *, behind: str = "", bold: bool = False) -> Style:
        ground = Color.parse(variables[behind]) if behind else None
        return Style(
            color=Color.parse(variables[name]).rich_color,
            # Among the terminal's own colours a raised ground is none, which is not black.
            bgcolor=None if ground is None or ground.is_transparent else ground.rich_color,
            bold=bold or None,
        )

    syntax_names = (name for name in variables if name.startswith("syntax-"))
    return Palette(
        text=ink("foreground"),
        muted=ink("text-muted"),
        faint=ink("text-disabled"),
        primary=ink("primary"),
        secondary=ink("secondary"),
        accent=ink("accent"),
        success=ink("success"),
        warning=ink("warning"),
        error=ink("error"),
        heading=ink("primary", bold=True),
        inline_code=ink("syntax-constant"),
        link=ink("primary") + UNDERLINE,
        code=ink("foreground", behind="code-background"),
        raised=ink("foreground", behind="surface"),
        added=ink("diff-added", behind="diff-added-background"),
        removed=ink("diff-removed", behind="diff-removed-background"),
        added_sign=ink("diff-added"),
        removed_sign=ink("diff-removed"),
        hunk=ink("diff-hunk"),
        current=ink("primary", bold=True),
        match=ink("on-mark", behind="warning"),
        match_here=ink("on-mark", behind="primary", bold=True) + UNDERLINE,
        syntax={name.removeprefix("syntax-"): ink(name) for name in syntax_names},
        tiers={tier: ink(f"tiers-{tier.value.lower()}") for tier in TIERS},
    )
