"""What the names in one caller's virtual tree lead to. Nothing is opened here but folders of Tovi's own.

/datasets/<name>/…  /jobs/<id>/…  (of the current project)  /projects/<p>/{datasets,jobs}/…  /home/…  /authorized_keys
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from tovi_server.core import views
from tovi_server.core.access import Action, Verdict, decide
from tovi_server.files import datadir, job_places, names
from tovi_server.files.datadir import DataDir


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder that is only in the tree, or whose shown names differ from those on disk."""

    names: Callable[[], Iterator[bytes]]
    behind: str | None = None
    """A folder of the data directory that lends it its times."""


@dataclass(frozen=True, slots=True)
class Real:
    """Something on disk: `rest` beneath the folder `anchor`, which no job can replace; no `rest`: the anchor itself."""

    anchor: str
    rest: bytes
    refusal: OSError | None = None
    """What to say to those who want to change it; None: they may."""
    holds_datasets: bool = False
    """Whether the anchor is a project's folder of datasets, which holds only folders."""
    made_by_job: bool = False
    """Whether a job could write there, and so may have linked other people's files into it."""


@dataclass(frozen=True, slots=True)
class Text:
    """A file that is only in the tree."""

    content: bytes


Place = Shelf | Real | Text


def absent() -> OSError:
    return OSError(errno.ENOENT, os.strerror(errno.ENOENT))


def read_only(why: str) -> OSError:
    return OSError(errno.EROFS, why)


class Places:
    """The map of one caller's tree."""

    def __init__(self, data: DataDir, me: views.Me, authorized_keys: bytes) -> None:
        self._data = data
        self._me = me
        self._authorized_keys = authorized_keys

    def find(self, path: bytes) -> Place:
        """Where a path leads. That it leads somewhere real does not mean that there is something.

        Raises:
            OSError: ENOENT, EINVAL or ENAMETOOLONG; ENOENT for what the caller may not know of.
        """
        parts = names.split(path)
        if any(names.is_hidden(part) for part in parts):
            raise absent()
        match parts:
            case ():
                return Shelf(self._top)
            case (b"authorized_keys",):
                return Text(self._authorized_keys)
            case (b"home", *rest):
                return Real(datadir.home_path(self._me.user), b"/".join(rest))
            case (b"projects",):
                return Shelf(lambda: (project.encode() for project in sorted(self._readable())))
            case (b"projects", project, *rest):
                return self._in_project(os.fsdecode(project), rest)
            case (b"jobs", job, *_):
                return self._in_project(self._project_of(job), parts)
            case (b"datasets" | b"jobs", *_):
                return self._in_project(self._me.project, parts)
        raise absent()

    def _project_of(self, job: bytes) -> str:
        """Ids are unique, so a job answers by its id whatever the current project is; only that one's are listed."""
        first = self._me.project
        others = (project for project in self._readable() if project != first)
        found = (one for one in chain([first], others) if job_places.is_job(self._data, one, os.fsdecode(job)))
        return next(found, first)

    def _readable(self) -> Iterable[str]:
        """The projects that the caller may look into."""
        return self._data.projects() if self._may_read_all else self._me.projects

    @property
    def _may_read_all(self) -> bool:
        return decide(Action.READ, role=None, admin=self._me.admin) is Verdict.ALLOWED

    def _is_readable(self, project: str) -> bool:
        return project in self._me.projects or (self._may_read_all and project in self._data.projects())

    def _top(self) -> Iterator[bytes]:
        here = (b"datasets", b"jobs") if self._me.project in self._me.projects else ()
        return iter(sorted((b"authorized_keys", b"home", b"projects", *here)))

    def _in_project(self, project: str, parts: Sequence[bytes]) -> Place:
        if not self._is_readable(project):
            raise absent()
        match parts:
            case []:
                return Shelf(lambda: iter((b"datasets", b"jobs")), datadir.project_path(project))
            case [b"datasets", *rest]:
                anchor = datadir.datasets_path(project)
                return Real(anchor, b"/".join(rest), self._refusal(project), holds_datasets=True)
            case [b"jobs", *rest]:
                return self._in_jobs(project, rest)
        raise absent()

    def _refusal(self, project: str) -> OSError | None:
        if project in self._me.archived:
            return read_only(f"project {project} is archived: it takes nothing new")
        verdict = decide(Action.WRITE_DATA, role=self._me.projects.get(project), admin=self._me.admin)
        if verdict is Verdict.ALLOWED:
            return None
        return OSError(errno.EACCES, f"your role in project {project} may look at data, not change it")

    def _in_jobs(self, project: str, rest: Sequence[bytes]) -> Place:
        found = job_places.find(self._data, project, [os.fsdecode(part) for part in rest])
        if found is None:
            raise absent()
        if isinstance(found, job_places.Listed):
            return Shelf(found.names, found.behind)
        refusal = read_only("what jobs leave behind is read-only")
        return Real(found.anchor, os.fsencode(found.rest), refusal, made_by_job=found.made_by_job)
