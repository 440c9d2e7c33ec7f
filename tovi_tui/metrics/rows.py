"""Tasks with their numbers as rows; which one is best, and how they compare."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

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
        """More is better; what is no number is the worst."""
        value = row.metrics.get(self.name, math.nan)
        if math.isnan(value):
            return -math.inf
        return -value if self.lower_is_better else value


def measures(rows: Sequence[MetricsRow]) -> list[str]:
    """The names of all numbers, in the order in which they are found."""
    return list(dict.fromkeys(name for row in rows for name in row.metrics))


def best(rows: Sequence[MetricsRow], measure: Measure) -> MetricsRow | None:
    """The best row; None: none has the number."""
    named = [row for row in rows if not math.isnan(row.metrics.get(measure.name, math.nan))]
    return max(named, key=measure.goodness, default=None)


def columns(rows: Sequence[MetricsRow], measure: Measure, best_task: str) -> tuple[Column[MetricsRow], ...]:
    """Parameters at the left, numbers at the right; the best is marked."""
    params = list(dict.fromkeys(name for row in rows for name in row.params))
    return (
        Column("task", "TASK", lambda row, look: _task(row, best_task), 14),
        *(Column(name, name, _param(name), max(6, len(name)), drop=1) for name in params),
        *(_number(name, name == measure.name) for name in measures(rows)),
    )


def compared(rows: Sequence[MetricsRow], measure: Measure) -> list[Line]:
    """The numbers of some tasks as bars beside each other."""
    values = {
        row.task: row.metrics[measure.name] for row in rows if math.isfinite(row.metrics.get(measure.name, math.nan))
    }
    most = max((abs(value) for value in values.values()), default=0.0)
    return [
        line(
            Span(f"{task:>16} ", Tone.DIM),
            Span(bar(abs(value), most, _BAR_COLUMNS), Tone.BUSY),
            f" {value:.{_DIGITS}g}",
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
    return "".join("\t".join(cell.replace("\t", " ") for cell in one) + "\n" for one in lines)


def _task(row: MetricsRow, best_task: str) -> Line:
    mark = Span("★ ", Tone.GOOD) if row.task == best_task else Span("  ")
    return line(mark, row.task)


def _param(name: str) -> Callable[[MetricsRow, object], Line]:
    return lambda row, look: line(row.params.get(name, ""))


def _number(name: str, is_chosen: bool) -> Column[MetricsRow]:
    tone = Tone.BOLD if is_chosen else Tone.PLAIN
    title = f"▼{name}" if is_chosen else name

    def cell(row: MetricsRow, look: object) -> Line:
        return line(Span(f"{row.metrics[name]:.{_DIGITS}g}" if name in row.metrics else "-", tone))

    return Column(name, title, cell, max(10, len(title)), right=True, drop=0 if is_chosen else 2)
