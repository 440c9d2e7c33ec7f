"""What a test programmed, and what came in: written and read by different threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.fault_proxy.faults import Fault, passed
from tests.fault_proxy.requests import Request


@dataclass
class Programmed:
    """A fault, for requests that match."""

    fault: Fault
    matches: Callable[[Request], bool]
    left: float
    """For how many more."""
    happened: list[Request] = field(default_factory=list)
    """To which it was done."""


@dataclass
class Book:
    _requests: list[Request] = field(default_factory=list)
    _programmed: list[Programmed] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def enter(self, request: Request) -> Fault:
        """What is to be done with it: of all faults that match, the one that was programmed first."""
        with self._news:
            self.note(request)
            return self._take(request)

    def note(self, request: Request) -> None:
        """It came in, and no fault is meant for it."""
        with self._news:
            self._requests.append(request)
            self._news.notify_all()

    def program(self, programmed: Programmed) -> None:
        with self._news:
            self._programmed.append(programmed)

    def forget(self) -> None:
        """All that was programmed."""
        with self._news:
            self._programmed.clear()

    def requests(self, matches: Callable[[Request], bool]) -> Sequence[Request]:
        """All so far, in their order."""
        with self._news:
            return [request for request in self._requests if matches(request)]

    def wait(self, enough: Callable[[], bool], *, deadline_s: float) -> bool:
        """Until something came in that makes it enough; False: it never was."""
        with self._news:
            return self._news.wait_for(enough, deadline_s)

    def _take(self, request: Request) -> Fault:
        for one in self._programmed:
            if one.left and one.matches(request):
                one.left -= 1
                one.happened.append(request)
                return one.fault
        return passed
