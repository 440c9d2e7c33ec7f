"""Control groups that limit the memory of an attempt and hold all its processes: version 1, version 2, or none."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FOLDER: Final = "tovi"
_KILL_WITHIN_S: Final = 5.0
_POLL_S: Final = 0.005


@dataclass(frozen=True, slots=True)
class Version:
    """What the files are called, and what is written to some when a group is made ({} is the limit)."""

    peak: str
    oom: str
    limits: Mapping[str, str]
    optional: Mapping[str, str]
    unlimited: str


V1: Final = Version(
    peak="memory.max_usage_in_bytes",
    oom="memory.oom_control",
    limits={"memory.limit_in_bytes": "{}"},
    optional={"memory.memsw.limit_in_bytes": "{}"},
    unlimited="-1",
)
V2: Final = Version(
    peak="memory.peak",
    oom="memory.events",
    limits={"memory.max": "{}"},
    optional={"memory.swap.max": "0", "memory.oom.group": "1"},
    unlimited="max",
)


@dataclass(frozen=True, slots=True)
class Cgroup:
    """The group of one attempt."""

    path: Path
    version: Version

    @property
    def join(self) -> Path:
        """Where a process writes 0 to get in."""
        return self.path / "cgroup.procs"

    def processes(self) -> tuple[int, ...]:
        try:
            return tuple(map(int, self.join.read_text().split()))
        except OSError:
            return ()

    def kill(self) -> None:
        """End all in it, and wait a while for them to be gone."""
        until = time.monotonic() + _KILL_WITHIN_S
        while found := self.processes():
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > until:
                return
            time.sleep(_POLL_S)

    def ran_out(self) -> bool:
        """Whether the kernel ended a process because of the limit."""
        try:
            lines = (self.path / self.version.oom).read_text().splitlines()
        except OSError:
            return False
        return any(line.startswith("oom_kill ") and not line.endswith(" 0") for line in lines)

    def peak_bytes(self) -> int | None:
        try:
            return int((self.path / self.version.peak).read_text())
        except (OSError, ValueError):
            return None

    def remove(self) -> None:
        with suppress(OSError):
            self.path.rmdir()


@dataclass(frozen=True, slots=True)
class Cgroups:
    """Where groups are made."""

    root: Path
    version: Version

    def of(self, control: Path) -> Cgroup:
        """The group of the attempt with this control folder, whether it is there or not."""
        name = hashlib.sha256(os.fsencode(control)).hexdigest()[:24]
        return Cgroup(self.root / name, self.version)

    def make(self, control: Path, memory_bytes: int) -> Cgroup:
        """A group with a limit; 0 is none.

        Raises:
            OSError: the system does not let it.
        """
        group = self.of(control)
        limit = memory_bytes or self.version.unlimited
        with suppress(FileExistsError):
            group.path.mkdir()
        for name, value in self.version.limits.items():
            (group.path / name).write_text(value.format(limit))
        for name, value in self.version.optional.items():
            with suppress(OSError):
                (group.path / name).write_text(value.format(limit))
        return group


def find() -> Cgroups | None:
    """Where this process may make groups that limit memory; None where it may not."""
    for root, version in _candidates():
        cgroups = Cgroups(root / _FOLDER, version)
        if _works(cgroups):
            return cgroups
    return None


def _works(cgroups: Cgroups) -> bool:
    """Try it: rights and delegation have too many forms to be read."""
    try:
        if cgroups.version is V2:
            (cgroups.root.parent / "cgroup.subtree_control").write_text("+memory")
        cgroups.root.mkdir(exist_ok=True)
        if cgroups.version is V2:
            (cgroups.root / "cgroup.subtree_control").write_text("+memory")
        group = cgroups.make(Path(f"/probe/{os.getpid()}"), 2**30)
    except OSError:
        return False
    group.remove()
    return True


def _candidates() -> Iterator[tuple[Path, Version]]:
    """The server's own group, then the top, of each hierarchy that may have the memory controller."""
    own = _own_groups()
    for mount, kind, options in _mounts():
        if kind == "cgroup2":
            version, group = V2, own.get("", "/")
        elif kind == "cgroup" and "memory" in options:
            version, group = V1, own.get("memory", "/")
        else:
            continue
        yield mount / group.lstrip("/"), version
        yield mount, version


def _own_groups() -> Mapping[str, str]:
    """By controller; "" is the one of version 2."""
    lines = (line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines())
    return {name: group for _, names, group in lines for name in names.split(",")}


def _mounts() -> Iterator[tuple[Path, str, tuple[str, ...]]]:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, kind, options, *_ = line.split(" ")
        yield Path(mount), kind, tuple(options.split(","))
