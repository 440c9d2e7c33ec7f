"""Small disks to fill: file systems in memory, mounted where a server keeps something, and gone afterwards."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.live import Live

PIECE = 64 * 1024


@dataclass(frozen=True)
class Disk:
    """Mounted at `place`."""

    place: Path

    @property
    def _ballast(self) -> Path:
        return self.place / "ballast"

    def fill(self) -> None:
        """To the last byte."""
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(PIECE))
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0")

    def empty(self) -> None:
        """Make the room again that `fill` took."""
        self._ballast.unlink()

    def make_read_only(self) -> None:
        """While nobody has a file of it open to write."""
        subprocess.run(["mount", "-o", "remount,ro", self.place], check=True)

    def make_writable(self) -> None:
        subprocess.run(["mount", "-o", "remount,rw", self.place], check=True)


@contextmanager
def small_disk(place: Path, *, megabytes: int) -> Iterator[Disk]:
    """An own disk for what is in the folder `place`, until the block ends; what is on it then is lost."""
    before = place.with_name(f"{place.name}.before")
    place.rename(before)
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", place], check=True)
    try:
        shutil.copytree(before, place, dirs_exist_ok=True, symlinks=True)
        yield Disk(place)
    finally:
        subprocess.run(["umount", "-l", place], check=True)
        shutil.rmtree(before)


def set_database_apart(live: Live) -> Path:
    """The folder of the database, from now on out of the data directory, of a server that does not run."""
    apart = live.folder / "database"
    apart.mkdir(mode=0o700)
    for file in (live.data / "server").glob("tovi.db*"):
        file.rename(apart / file.name)
    (live.folder / "tovi.toml").write_text(f'[database]\nurl = "sqlite:///{apart}/tovi.db"\n')
    return apart
