"""The data directory as the manager needs it."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Sequence

from tovi_server.core import views
from tovi_server.core.ids import JobId, TaskId
from tovi_server.files import browse, intake, unpacking
from tovi_server.files.datadir import DataDir
from tovi_server.files.intake import Intake
from tovi_server.files.limits import IntakeLimits
from tovi_server.files.logs import LogFiles
from tovi_server.files.tree import Tree
from tovi_server.files.viewing import Viewing


class SharedFiles:
    """What is not `async` blocks: call it in a thread."""

    def __init__(
        self, data: DataDir, *, limits: IntakeLimits, gid_of: Callable[[str], int | None] = lambda project: None
    ) -> None:
        """`gid_of` says in which group a project's tasks run, as far as it is known; their first one settles it."""
        self._data = data
        self._limits = limits
        self._gid_of = gid_of
        self.logs = LogFiles(data)

    def looks_like_archive(self, first: bytes) -> bool:
        """As `unpacking.looks_like_archive`."""
        return unpacking.looks_like_archive(first)

    async def receive(self, chunks: AsyncIterable[bytes], *, project: str, keep: bool) -> Intake:
        """As `intake.receive`."""
        return await intake.receive(self._data, chunks, project=project, limits=self._limits, keep=keep)

    def create_project(self, name: str) -> None:
        """Its folders. Again is harmless."""
        self._data.create_project(name, gid=self._gid_of(name))

    def create_home(self, user: str) -> None:
        """Again is harmless."""
        self._data.create_home(user)

    def datasets(self, project: str) -> Sequence[views.DatasetView]:
        """As `browse.datasets`."""
        return browse.datasets(self._data, project)

    def dataset(self, project: str, name: str) -> views.DatasetView | None:
        """As `browse.dataset`."""
        return browse.dataset(self._data, project, name)

    def outputs(self, project: str, tasks: Sequence[TaskId]) -> Sequence[views.OutputView]:
        """As `browse.outputs`."""
        return browse.outputs(self._data, project, tasks)

    def files_of(self, me: views.Me, *, authorized_keys: bytes) -> Viewing:
        """One caller's files."""
        return Viewing(Tree(self._data, me, authorized_keys=authorized_keys))

    def manifest(self, project: str, job: JobId) -> Sequence[views.FileView]:
        """As `browse.manifest`."""
        return browse.manifest(self._data, project, job)
