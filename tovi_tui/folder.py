"""A folder of the caller's tree, read page by page as it is needed."""

from __future__ import annotations

from typing import Final

from tovi_server.api import ManagerAPI
from tovi_server.core.views import DatasetView, FileView

PAGE: Final = 1000
MOST: Final = 20_000
"""So many files of a folder are listed at most."""


class Folder:
    """As far as it was read: `items` by name; `more` when others come after them."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.items: list[FileView] = []
        self.writable = False
        self.more = True

    @property
    def has_more(self) -> bool:
        """Whether `read` would find more."""
        return self.more and len(self.items) < MOST

    @property
    def is_cut(self) -> bool:
        """Whether there are more files than are listed."""
        return self.more and not self.has_more

    async def read(self, manager: ManagerAPI, *, least: int, name: str = "") -> None:
        """Page by page until there are so many, and until it reaches that name."""
        while self.has_more and (len(self.items) < least or not self._reaches(name)):
            after = self.items[-1].path if self.items else None
            page = await manager.list_files(self.path, after=after, limit=PAGE)
            self.items += page.items
            self.writable, self.more = page.writable, page.more and bool(page.items)

    def _reaches(self, name: str) -> bool:
        return not name or (bool(self.items) and self.items[-1].path.rstrip("/") >= name.rstrip("/"))


async def datasets_in(manager: ManagerAPI, path: str) -> dict[str, DatasetView]:
    """What the folders there hold, by name, where they are datasets."""
    match path.split("/"):
        case ["datasets"]:
            found = await manager.datasets(project=None)
        case ["projects", project, "datasets"]:
            found = await manager.datasets(project=project)
        case _:
            found = ()
    return {dataset.name: dataset for dataset in found}
