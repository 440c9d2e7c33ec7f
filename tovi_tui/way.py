"""The places a person came through, and the last of them as the words that lead to it."""

from __future__ import annotations

from typing import Final

from tovi_server.core.errors import ToviError
from tovi_tui import places
from tovi_tui.places import Place
from tovi_tui.text.commands import Go, read_command

LAST_PLACE: Final = "place"
"""The wish that holds it."""
_LONGEST: Final = 200


def words_of(place: Place) -> str:
    """What to type in the `:` line to come here again; "queue" for a place that no words lead to."""
    words = _words_of(place).strip()
    return words if len(words) <= _LONGEST and place_of(words) == place else "queue"


def place_of(words: str) -> Place:
    """Where words lead; the queue, when they lead nowhere any more."""
    try:
        order = read_command(words)
    except ToviError:
        return places.QueuePlace()
    return order.place if isinstance(order, Go) else places.QueuePlace()


def _words_of(place: Place) -> str:
    match place:
        case places.QueuePlace(filter):
            return f"queue {filter}"
        case places.JobPlace(job, task):
            return f"show {task or job}"
        case places.LogPlace(tasks):
            return f"logs {' '.join(tasks)}"
        case places.MetricsPlace(job):
            return f"metrics {job}"
        case places.DataPlace(path):
            return f"data {path}"
        case places.NodesPlace():
            return "nodes"
        case places.AdminPlace():
            return "people"
        case places.SubmitPlace() | places.RerunPlace():
            return "submit"


class Way:
    """The last place is where one is; the first is never left."""

    def __init__(self, first: Place) -> None:
        self._places = [first]

    @property
    def here(self) -> Place:
        return self._places[-1]

    def forth(self, place: Place) -> None:
        self._places.append(place)

    def back(self) -> None:
        if len(self._places) > 1:
            self._places.pop()

    def home(self) -> None:
        del self._places[1:]
