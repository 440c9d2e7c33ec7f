"""The words of the `:` line, as in the command language; what each leads to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from tovi_server.core.errors import UsageError
from tovi_server.core.ids import Reference, parse_reference
from tovi_tui import places
from tovi_tui.places import Place


@dataclass(frozen=True, slots=True)
class Go:
    """Open a place."""

    place: Place


@dataclass(frozen=True, slots=True)
class Control:
    """`cancel`, `hold` or `release` these."""

    verb: str
    targets: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Set:
    """`project`, `theme`, `zone`, `bell` or `title` to a value."""

    what: str
    value: str


@dataclass(frozen=True, slots=True)
class Do:
    """`help` or `quit`."""

    what: str


Order = Go | Control | Set | Do


@dataclass(frozen=True, slots=True)
class Command:
    """One word: what follows it, and what it does."""

    word: str
    takes: str
    does: str
    read: Callable[[Sequence[str]], Order]

    @property
    def usage(self) -> str:
        return f"{self.word} {self.takes}".rstrip()


def read_command(text: str) -> Order:
    """What a line asks for.

    Raises:
        UsageError: its first word is none of ours, or what follows cannot be meant.
    """
    word, *rest = text.split() or [""]
    command = next((one for one in COMMANDS if one.word == word), None)
    if command is None:
        near = get_close_matches(word, [one.word for one in COMMANDS], n=1)
        raise UsageError(f'there is no "{word}"', hint=f"perhaps {near[0]}" if near else "? lists the words")
    return command.read(rest)


def matching(text: str) -> list[Command]:
    """The commands that a beginning may become; all for an empty one."""
    word = text.split(" ")[0]
    return [one for one in COMMANDS if one.word.startswith(word)] or [one for one in COMMANDS if word in one.does]


def _one(words: Sequence[str], what: str) -> str:
    if len(words) != 1:
        raise UsageError(f"this takes one {what}", why=f"there are {len(words)}")
    return words[0]


def _some(verb: str) -> Callable[[Sequence[str]], Order]:
    def read(words: Sequence[str]) -> Order:
        if not words:
            raise UsageError(
                f"{verb} what?", hint=f"for instance `{verb} 12`, `{verb} 12.train` or `{verb} 12.train.3`"
            )
        return Control(verb, tuple(map(parse_reference, words)))

    return read


def _job(words: Sequence[str]) -> Reference:
    return parse_reference(_one(words, "id"))


def _show(words: Sequence[str]) -> Order:
    found = _job(words)
    return Go(places.JobPlace(found.job, None if found.stage is None else str(found)))


def _logs(words: Sequence[str]) -> Order:
    if not words:
        raise UsageError("the log of what?", hint="for instance `logs 12` or `logs 12.train.3`")
    return Go(places.LogPlace(tuple(str(parse_reference(word)) for word in words)))


def _value(what: str) -> Callable[[Sequence[str]], Order]:
    return lambda words: Set(what, _one(words, what))


COMMANDS: Final = (
    Command("queue", "[FILTER]", "jobs that wait and run", lambda words: Go(places.QueuePlace(" ".join(words)))),
    Command("show", "ID", "a job, or a task of it", _show),
    Command("logs", "ID…", "what tasks write", _logs),
    Command("metrics", "JOB", "the numbers of its tasks", lambda words: Go(places.MetricsPlace(_job(words).job))),
    Command("cancel", "ID…", "end jobs, stages or tasks", _some("cancel")),
    Command("hold", "ID…", "keep them from starting", _some("hold")),
    Command("release", "ID…", "let them go on", _some("release")),
    Command("rerun", "JOB", "run it again, perhaps otherwise", lambda words: Go(places.RerunPlace(_job(words).job))),
    Command("nodes", "", "the machines", lambda words: Go(places.NodesPlace())),
    Command("data", "[PATH]", "datasets, results and home", lambda words: Go(places.DataPlace(" ".join(words)))),
    Command("submit", "", "write a job", lambda words: Go(places.SubmitPlace())),
    Command("people", "", "keys, projects and, for admins, users", lambda words: Go(places.AdminPlace())),
    Command("project", "NAME", "work in another project", _value("project")),
    Command("theme", "NAME", "dark, light, contrast or terminal", _value("theme")),
    Command("zone", "NAME", "the time zone, e.g. Europe/Berlin", _value("zone")),
    Command("bell", "on|off", "ring when a job of yours ends", _value("bell")),
    Command("title", "on|off", "say in the window's title that a job of yours ended", _value("title")),
    Command("help", "", "the keys of this screen", lambda words: Do("help")),
    Command("quit", "", "end the session", lambda words: Do("quit")),
)
