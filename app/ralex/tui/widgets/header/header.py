"""One line at the top: the project, its branch, the session's title, and words that must stay."""

from typing import Final

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from typing_extensions import override

from ralex.core.terminal_text import clean_line
from ralex.tui.formats import shortened

_SHORT_BRANCH: Final = 16
_LEAST_BESIDE: Final = 44
"""Cells for project and title that a long label leaves to them."""


class Header(Widget):
    """Where we are."""

    project: reactive[str] = reactive("", layout=False)
    branch: reactive[str] = reactive("", layout=False)
    title: reactive[str] = reactive("", layout=False)
    label: reactive[str] = reactive("", layout=False)

    @override
    def render(self) -> Content:
        """Fit the parts into the width; the label is the last to go, but may say less."""
        width = self.content_size.width
        project, branch, title = (
            clean_line(text) for text in (self.project, self.branch, self.title)
        )
        label = self._label(width, cell_len(f"ralex  {project} · {title}"))
        right: list[tuple[str, str]] = [(f" {label} ", "$on-mark on $warning")] if label else []
        beside = cell_len(label) + 2 if label else 0
        room = width - (beside + 1 if label else 0)
        if cell_len(f"ralex  {project} · {branch} · {title}") > room:
            # The title tells sessions apart: the branch is cut before it.
            branch = shortened(branch, max(0, min(_SHORT_BRANCH, room // 4)))
        left: list[tuple[str, str]] = [("ralex", "bold $accent")]
        used = 5
        for text, style in (
            (project, "$foreground"),
            (branch, "$text-muted"),
            (title, "$text-muted"),
        ):
            if text and room - used > 8:
                part = shortened(text, room - used - 3)
                left += [(" · " if used > 5 else "  ", "$text-disabled"), (part, style)]
                used += cell_len(part) + (3 if used > 5 else 2)
        gap = max(1, width - used - beside)
        return Content.assemble(*left, " " * gap, *right)

    def _label(self, width: int, others: int) -> str:
        """Give the whole label, or its first part where the whole would push the title out."""
        label = clean_line(self.label)
        is_cramped = min(others, _LEAST_BESIDE) + cell_len(label) + 3 > width
        return label.partition(" · ")[0] if is_cramped else label
