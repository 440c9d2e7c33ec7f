"""One task in words, beside the others."""

from __future__ import annotations

from collections.abc import Callable

from tovi_server.core.look import Look
from tovi_server.core.views import TaskView
from tovi_tui.jobs.known import Known
from tovi_tui.jobs.told import task_lines
from tovi_tui.text.span import Line
from tovi_tui.widgets.text_lines import TextLines


class TaskWords(TextLines):
    """What one reads of a task stays in sight when it is told anew."""

    def __init__(self, look: Callable[[], Look], *, id: str) -> None:
        super().__init__((), id=id)
        self._look_now = look
        self._shown: TaskView | None = None
        self._known = Known()

    @property
    def told(self) -> list[Line]:
        """All that is known of the task; nothing of none."""
        return [] if self._shown is None else task_lines(self._shown, self._look_now(), self._known)

    def tell(self, task: TaskView | None) -> None:
        """Tell of this one."""
        before, self._shown = self._shown, task
        is_same = before is not None and task is not None and before.id == task.id
        (self.renew if is_same else self.show)(self.told)

    def know(self, known: Known) -> None:
        """Tell this too, if it is of the task that is told."""
        self._known = known
        self.renew(self.told)
