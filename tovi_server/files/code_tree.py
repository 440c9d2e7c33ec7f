"""What an archive would lay out, checked name by name before anything is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import Final

from tovi_server.core.errors import InvalidArchiveError, QuotaExceededError
from tovi_server.core.resources import format_bytes
from tovi_server.core.safe import safe_line
from tovi_server.files import names
from tovi_server.files.limits import IntakeLimits
from tovi_server.files.links import leads_out
from tovi_server.files.snapshots import Entry
from tovi_server.files.tar_stream import Kind, Member

SPEC: Final = "tovi.yaml"
_MACOS: Final = "._"
_MACOS_FILES: Final = (".DS_Store",)
_NAMED: Final = 5


class _Is(Enum):
    FOLDER = auto()
    OTHER = auto()


class CodeTree:
    """The entries of an archive so far."""

    def __init__(self, limits: IntakeLimits) -> None:
        self._limits = limits
        self._names: dict[str, _Is] = {}
        self._full_folders: set[str] = set()
        self._entries: dict[str, Entry] = {}
        self._bytes = 0
        self._members = 0

    def place(self, member: Member) -> str | None:
        """Where a member goes, after all checks; None for what is left out. A file is `add`ed once it came.

        Raises:
            InvalidArchiveError, QuotaExceededError
        """
        self._count(member)
        path = self._path(member)
        if not path and member.kind is not Kind.FOLDER:
            raise _refused(member.name, "it has no name")
        if not path or _is_clutter(path):
            return None
        self._reserve(path, _Is.FOLDER if member.kind is Kind.FOLDER else _Is.OTHER)
        match member.kind:
            case Kind.FOLDER:
                return None
            case Kind.LINK:
                self.add(Entry(path, target=self._target(member, path)))
                return None
            case Kind.SAME:
                self._add_same(member, path)
                return None
            case Kind.FILE:
                return path

    def add(self, entry: Entry) -> None:
        self._entries[entry.path] = entry

    def entries(self) -> Iterable[Entry]:
        """All files and links, and the folders that have nothing in them."""
        folders = (path for path, what in self._names.items() if what is _Is.FOLDER and path not in self._full_folders)
        return (*self._entries.values(), *(Entry(path) for path in folders))

    def need_spec(self) -> None:
        """Raises:
        InvalidArchiveError: there is no tovi.yaml at the top.
        """
        entry = self._entries.get(SPEC)
        if entry is not None and entry.hash is not None:
            return
        if not self._names:
            raise InvalidArchiveError("the archive is empty", hint="`tar c . | … submit -` in the folder of your code")
        inner = [path for path in self._entries if path.endswith(f"/{SPEC}") and path.count("/") == 1]
        if inner:
            folder = inner[0].partition("/")[0]
            hint = f"`tar c -C {folder} . | … submit -` if you mean {inner[0]}"
        else:
            hint = "`tar c . | … submit -` in the folder that has it"
        raise InvalidArchiveError(f"the archive has no {SPEC} at its top", why=f"there are {self._top()}", hint=hint)

    def _top(self) -> str:
        top = sorted({path.partition("/")[0] for path in self._names})
        more = f" and {len(top) - _NAMED} more" if len(top) > _NAMED else ""
        return ", ".join(top[:_NAMED]) + more

    def _count(self, member: Member) -> None:
        self._members += 1
        self._bytes += member.size
        if self._members > self._limits.entries:
            raise QuotaExceededError(
                f"the archive has more than {self._limits.entries} entries",
                why="that is the limit",
                hint="leave out data, environments and caches: `tar c --exclude .venv .`",
            )
        for what, size, limit in (
            (f'"{_shown(member.name)}" in the archive', member.size, self._limits.file_bytes),
            ("the archive", self._bytes, self._limits.total_bytes),
        ):
            if size > limit:
                raise QuotaExceededError(
                    f"{what} has {format_bytes(size)}",
                    why=f"the limit is {format_bytes(limit)}",
                    hint="upload data as a dataset: `scp -r … :datasets/NAME`",
                )

    def _path(self, member: Member) -> str:
        """The plain path, empty for the top itself."""
        parts = [part for part in member.name.split(b"/") if part not in (b"", b".")]
        if member.name.startswith(b"/") or b".." in parts:
            raise _refused(member.name, "names in an archive are relative and stay in it")
        if names.has_control(member.name) or b"\0" in member.name:
            raise _refused(member.name, "names with control characters or line breaks are refused")
        if any(len(part) > names.LONGEST_NAME_BYTES for part in parts):
            raise _refused(member.name, f"a name has at most {names.LONGEST_NAME_BYTES} bytes")
        if len(member.name) > self._limits.path_bytes or len(parts) > self._limits.depth:
            raise _refused(
                member.name, f"a path has at most {self._limits.path_bytes} bytes and {self._limits.depth} folders"
            )
        return b"/".join(parts).decode("utf-8", "surrogateescape")

    def _reserve(self, path: str, what: _Is) -> None:
        """Give a name out, once; the folders on its way too, as often as needed."""
        if path in self._names and not (what is _Is.FOLDER and self._names[path] is _Is.FOLDER):
            raise InvalidArchiveError(f'"{path}" is in the archive twice', why="which of them counts?")
        self._names[path] = what
        while "/" in path:
            path = path.rpartition("/")[0]
            if self._names.setdefault(path, _Is.FOLDER) is not _Is.FOLDER:
                raise InvalidArchiveError(
                    f'"{path}" in the archive is a file or link, and a folder too', why="nothing can lie beneath it"
                )
            self._full_folders.add(path)

    def _target(self, member: Member, path: str) -> str:
        target = member.target
        if not target or names.has_control(target) or leads_out(target, depth=path.count("/")):
            raise InvalidArchiveError(
                f'"{path}" in the archive is a link to "{_shown(target)}"',
                why="links are relative and stay in the archive",
                hint=f"leave it out: `tar c --exclude './{path.partition('/')[0]}' .`",
            )
        return target.decode("utf-8", "surrogateescape")

    def _add_same(self, member: Member, path: str) -> None:
        """A hard link is the same file under another name."""
        parts = [part for part in member.target.split(b"/") if part not in (b"", b".")]
        first = self._entries.get(b"/".join(parts).decode("utf-8", "surrogateescape"))
        if first is None or first.hash is None:
            raise _refused(member.name, "it is a hard link to something that is no file in the archive before it")
        self._bytes += first.size
        self.add(Entry(path, first.size, first.hash, first.executable))


def _is_clutter(path: str) -> bool:
    """What macOS puts beside people's files."""
    name = path.rpartition("/")[2]
    return name.startswith(_MACOS) or name in _MACOS_FILES


def _refused(name: bytes, why: str) -> InvalidArchiveError:
    return InvalidArchiveError(f'"{_shown(name)}" in the archive is refused', why=why)


def _shown(name: bytes) -> str:
    return safe_line(name[:200].decode("utf-8", "replace"))
