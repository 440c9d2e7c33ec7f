"""Where everything lies in the data directory, and descriptors of its folders."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.files import modes
from tovi_server.files.beneath import Resolver, best_resolver

PROJECT_FOLDERS: Final = {"objects": modes.PRIVATE, **dict.fromkeys(("trees", "datasets", "jobs", "env"), modes.FOLDER)}
TOP_FOLDERS: Final = {
    "server": modes.PRIVATE,
    "server/staging": modes.PRIVATE,
    "projects": modes.PASSAGE,
    "home": modes.PRIVATE,
    "scratch": modes.PASSAGE,
}


def project_path(project: str) -> str:
    """As all `…_path`s, relative to the data directory."""
    return f"projects/{project}"


def datasets_path(project: str) -> str:
    return f"projects/{project}/datasets"


def job_path(project: str, job: JobId) -> str:
    return f"projects/{project}/jobs/{job}"


def task_path(project: str, task: TaskId) -> str:
    return f"projects/{project}/jobs/{task.job}/{task.stage}.{task.index}"


def attempt_path(project: str, attempt: AttemptId) -> str:
    return f"{task_path(project, attempt.task)}/attempts/{attempt.number}"


def home_path(user: str) -> str:
    return f"home/{user}"


class DataDir:
    """The data directory, held open. Everything Tovi does with files begins at this descriptor."""

    def __init__(self, root: Path, *, resolver: Resolver | None = None) -> None:
        """Raises:
        OSError: there is no such folder.
        """
        self.root = root.absolute()
        self.resolver = best_resolver() if resolver is None else resolver
        self.fd = os.open(self.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    @classmethod
    def create(cls, root: Path) -> DataDir:
        """A data directory with all its folders; what is there already is left as it is."""
        root.mkdir(parents=True, exist_ok=True)
        data = cls(root)
        if modes.is_root():
            os.chmod(root, modes.PASSAGE)
        for path, mode in TOP_FOLDERS.items():
            data.make_folder(path, mode)
        return data

    def close(self) -> None:
        os.close(self.fd)

    def create_project(self, project: str, *, gid: int | None = None) -> None:
        """The folders of a project, in the group of its tasks (None: in the server's). Again is harmless."""
        self.make_folder(project_path(project), modes.FOLDER, gid=gid)
        for name, mode in PROJECT_FOLDERS.items():
            self.make_folder(f"{project_path(project)}/{name}", mode)

    def create_home(self, user: str) -> None:
        """The private space of a user. Again is harmless."""
        self.make_folder(home_path(user), modes.PRIVATE)

    def path(self, *parts: str) -> Path:
        """For those outside who need a path, such as a task."""
        return self.root.joinpath(*parts)

    def open(self, path: str | bytes, flags: int, mode: int = 0) -> int:
        """A new descriptor beneath the data directory."""
        return self.resolver.open(self.fd, os.fsencode(path), flags, mode)

    @contextmanager
    def folder(self, path: str | bytes) -> Iterator[int]:
        """A descriptor of a folder for use as `dir_fd`, closed at the end."""
        opened = self.open(path, os.O_PATH | os.O_DIRECTORY)
        try:
            yield opened
        finally:
            os.close(opened)

    def make_folder(self, path: str, mode: int, *, gid: int | None = None) -> bool:
        """A folder in one that is there, with exactly this mode; whether it was made now. One that is there stays."""
        above, _, name = path.rpartition("/")
        with self.folder(above) as parent:
            try:
                os.mkdir(name, mode & 0o777, dir_fd=parent)
            except FileExistsError:
                return False
            self._dress(parent, name, mode, gid)
        return True

    def _dress(self, parent: int, name: str, mode: int, gid: int | None) -> None:
        made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            if gid is not None and os.fstat(made).st_gid != gid:
                os.fchown(made, -1, gid)
            os.fchmod(made, mode)
        finally:
            os.close(made)

    def projects(self) -> Sequence[str]:
        """All that there are."""
        folder = self.open("projects", os.O_RDONLY | os.O_DIRECTORY)
        try:
            return os.listdir(folder)
        finally:
            os.close(folder)

    def exists(self, path: str) -> bool:
        """Whether a folder or a file is there."""
        try:
            os.close(self.open(path, os.O_PATH | os.O_NOFOLLOW))
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return False
            raise
        return True
