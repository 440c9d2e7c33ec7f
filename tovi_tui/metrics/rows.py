"""Tasks with their numbers as rows; which one is best, and how they compare."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tovi_server.core import cells
from tovi_server.core.safe import safe_line
from tovi_server.core.views import MetricsRow
from tovi_tui.text.bars import bar
from tovi_tui.text.columns import Column
from tovi_tui.text.span import Line, Span, Tone, line

_LOWER_IS_BETTER: Final = ("loss", "error", "err", "perplexity", "ppl", "rmse", "mse", "mae", "time", "latency")
_BAR_COLUMNS: Final = 30
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Measure:
    """The number that is looked at, and whether a small one is good."""

    name: str
    lower_is_better: bool

    @classmethod
    def usual(cls, name: str) -> Measure:
        """By its name: a loss should be low."""
        words = name.lower().replace("-", "_").split("_")
        return cls(name, any(word in _LOWER_IS_BETTER for word in words))

    def goodness(self, row: MetricsRow) -> float:
        """More is better; what is no finite number is the worst, whichever is good."""
        value = row.metrics.get(self.name, math.nan)
        if not math.isfinite(value):
            return -math.inf
        return -value if self.lower_is_better else value


def measures(rows: Sequence[MetricsRow]) -> list[str]:
    """The names of all numbers, in the order in which they are found."""
    return list(dict.fromkeys(name for row in rows for name in row.metrics))


def best(rows: Sequence[MetricsRow], measure: Measure) -> MetricsRow | None:
    """The best row; None: none has a finite number."""
    found = max(rows, key=measure.goodness, default=None)
    return found if found is not None and measure.goodness(found) > -math.inf else None


def columns(rows: Sequence[MetricsRow], measure: Measure, best_task: str) -> tuple[Column[MetricsRow], ...]:
    """Parameters at the left, numbers at the right; the best is marked."""
    params = list(dict.fromkeys(name for row in rows for name in row.params))
    return (
        Column("task", "TASK", lambda row, look: _task(row, best_task), 14),
        *(Column(name, name, _param(name), max(6, len(name)), drop=1) for name in params),
        *(_number(name, _room(rows, name), is_chosen=name == measure.name) for name in measures(rows)),
    )


def compared(rows: Sequence[MetricsRow], measure: Measure) -> list[Line]:
    """The numbers of some tasks as bars beside each other; what is not finite has no bar."""
    values = {row.task: row.metrics[measure.name] for row in rows if measure.name in row.metrics}
    most = max((abs(value) for value in values.values() if math.isfinite(value)), default=0.0)
    return [
        line(
            Span(f"{task:>16} ", Tone.DIM),
            Span(bar(abs(value) if math.isfinite(value) else 0.0, most, _BAR_COLUMNS), Tone.BUSY),
            f" {_text(value)}",
        )
        for task, value in values.items()
    ]


def as_tsv(rows: Sequence[MetricsRow]) -> str:
    """For a spreadsheet: a line for each task, its parameters and numbers with tabs between."""
    params = list(dict.fromkeys(name for row in rows for name in row.params))
    names = measures(rows)
    lines = [["task", *params, *names]]
    for row in rows:
        numbers = [repr(row.metrics[name]) if name in row.metrics else "" for name in names]
        lines.append([row.task, *(row.params.get(name, "") for name in params), *numbers])
    return "".join("\t".join(map(safe_line, one)) + "\n" for one in lines)


def _task(row: MetricsRow, best_task: str) -> Line:
    mark = Span("★ ", Tone.GOOD) if row.task == best_task else Span("  ")
    return line(mark, row.task)


def _param(name: str) -> Callable[[MetricsRow, object], Line]:
    return lambda row, look: line(row.params.get(name, ""))


def _number(name: str, room: int, *, is_chosen: bool) -> Column[MetricsRow]:
    tone = Tone.BOLD if is_chosen else Tone.PLAIN
    title = f"▼{name}" if is_chosen else name

    def cell(row: MetricsRow, look: object) -> Line:
        return line(Span(_text(row.metrics[name]) if name in row.metrics else "-", tone))

    return Column(name, title, cell, max(room, cells.width(safe_line(title))), right=True, drop=0 if is_chosen else 2)


def _room(rows: Sequence[MetricsRow], name: str) -> int:
    """So that no number is cut: one that ends too early is another number."""
    return max([10, *(len(_text(row.metrics[name])) for row in rows if name in row.metrics)])


def _text(value: float) -> str:
    return f"{value:.{_DIGITS}g}"
