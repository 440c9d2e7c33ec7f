"""Which jobs are looked for, and in which order they are shown."""

from __future__ import annotations

from dataclasses import dataclass

from tovi_server.core.filters import JobFilter
from tovi_server.core.views import JobView
from tovi_tui.text.filter import Scope, keeps, read_filter
from tovi_tui.text.order import Order


@dataclass(frozen=True, slots=True)
class Sought:
    """All that makes a list of jobs what it is."""

    text: str = ""
    """As it was typed."""
    scope: Scope = Scope()
    order: Order = Order()

    def job_filter(self, me: str) -> JobFilter:
        """Raises UsageError: a word of the text cannot be meant."""
        return read_filter(self.text, me=me, scope=self.scope)

    def keeps(self, job: JobView) -> bool:
        """Whether it belongs here, of those that the manager gives."""
        return keeps(self.text, job)

    @property
    def words(self) -> str:
        """For the title: what a screenshot needs to be made again."""
        words = ["queue", f"filter: {self.text}" if self.text else "", "with ended" if self.scope.ended else ""]
        words += ["everybody's" if self.scope.everybody else "", self.order.words]
        return " · ".join(word for word in words if word)
