"""Which widgets draw which rows when a part of the screen is painted again.

Textual asks every widget of a screen for all of its rows, however little has changed: a letter in
the prompt costs the transcript's forty rows, and a row of an answer costs those of the prompt. Here
a widget is asked for those rows only that changed and that nothing in front of it covers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip
from typing_extensions import override


class ThriftyCompositor(Compositor):
    """Paints what Textual's paints, and draws no more than that."""

    @override
    def _render_chops(
        self, crop: Region, is_rendered_line: Callable[[int], bool]
    ) -> Sequence[Mapping[int, Strip]]:
        """Draw a part of the screen, from front to back.

        Args:
            crop: What must be drawn.
            is_rendered_line: Tells of a row of the screen whether it must be drawn.

        Returns:
            For each row the strips by the column where they begin; None where nothing was drawn,
            which whoever paints skips.
        """
        cuts = self.cuts
        chops: list[dict[int, Strip | None]] = [dict.fromkeys(row[:-1]) for row in cuts]
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            left, right = seen.column_span
            gaps: list[tuple[int, list[int]]] = []
            for y in seen.intersection(crop).line_range:
                if is_rendered_line(y):
                    line = chops[y]
                    places = [cut for cut in cuts[y] if left <= cut <= right]
                    if any(line[place] is None for place in places[:-1]):
                        gaps.append((y, places))
            if not gaps:
                continue
            top, bottom = gaps[0][0], gaps[-1][0] + 1
            strips = widget.render_lines(
                Region(seen.x - region.x, top - region.y, seen.width, bottom - top)
            )
            for y, places in gaps:
                line = chops[y]
                parts = strips[y - top].divide([place - left for place in places[1:]])
                for place, part in zip(places[:-1], parts, strict=False):
                    if line[place] is None:
                        line[place] = part
        return cast("Sequence[Mapping[int, Strip]]", chops)
