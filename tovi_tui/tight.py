"""Of a picture only the columns that changed: Textual begins each line that it draws again at its left end."""

from __future__ import annotations

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate


class TightUpdate(ChopsUpdate):
    """Private in Textual: pieces of lines by their first column, and which columns of which lines are to be drawn."""

    def render_segments(self, console: Console) -> str:
        parts: list[str] = []
        for y, first, end in self.spans:
            for piece_end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                start, stop = max(x, first), min(piece_end, end)
                if strip is not None and start < stop:
                    parts += (Control.move_to(start, y).segment.text, strip.crop(start - x, stop - x).render(console))
        return "".join(parts)


def tight(renderable: object) -> object:
    """Whatever Textual draws, with less in it where that can be."""
    if isinstance(renderable, ChopsUpdate):
        return TightUpdate(renderable.chops, renderable.spans, renderable.chop_ends)
    return renderable
