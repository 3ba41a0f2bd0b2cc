"""One line at the top: the project, its branch, the session's title, and words that must stay."""

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from typing_extensions import override

from ralex.core.terminal_text import clean_line
from ralex.tui.formats import shortened


class Header(Widget):
    """Where we are."""

    project: reactive[str] = reactive("", layout=False)
    branch: reactive[str] = reactive("", layout=False)
    title: reactive[str] = reactive("", layout=False)
    label: reactive[str] = reactive("", layout=False)

    @override
    def render(self) -> Content:
        """Fit the parts into the width; the label is the last to go."""
        width = self.content_size.width
        label = clean_line(self.label)
        right: list[tuple[str, str]] = [(f" {label} ", "$on-mark on $warning")] if label else []
        room = width - (len(label) + 3 if label else 0)
        left: list[tuple[str, str]] = [("ralex", "bold $accent")]
        used = 5
        for text, style in (
            (clean_line(self.project), "$foreground"),
            (clean_line(self.branch), "$text-muted"),
            (clean_line(self.title), "$text-muted"),
        ):
            if text and room - used > 8:
                part = shortened(text, room - used - 3)
                left += [(" · " if used > 5 else "  ", "$text-disabled"), (part, style)]
                used += Content(part).cell_length + (3 if used > 5 else 2)
        gap = max(1, width - used - (len(label) + 2 if label else 0))
        return Content.assemble(*left, " " * gap, *right)
