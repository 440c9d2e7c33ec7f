"""Processes as Linux lists them: which belong to a server under test, and waiting until they are gone."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

_TOLD: Final = 200


def of_session(session: int) -> set[int]:
    """The processes of a session: a server that was started in one of its own, and its parts, but no task of it."""
    return {pid for pid in _all() if _session(pid) == session}


def called(name: str, pids: Collection[int]) -> set[int]:
    """Those of the processes that have this name; not what one of them starts, which has it until it is a program."""
    found = {pid for pid in pids if _name(pid) == name}
    return found.difference(*(children_of(one, found) for one in found))


def children_of(parent: int, pids: Collection[int]) -> set[int]:
    """Those of the processes that one process started, and that did not outlive it."""
    return {pid for pid in pids if _parent(pid) == parent}


def children(parent: int) -> set[int]:
    """All that one process started and that did not outlive it, of whatever session."""
    return children_of(parent, _all())


def descendants(pids: Collection[int]) -> set[int]:
    """These, and all that came from them and did not outlive who started it."""
    found, new = set(pids), set(pids)
    while new:
        new = {child for pid in new for child in children(pid)} - found
        found |= new
    return found


def told(pid: int) -> str:
    """A process for a person: the end of its command line; nothing of one that is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[-_TOLD:].strip()
    except OSError:
        return ""


def mentioning(folder: Path) -> set[int]:
    """The processes that have a folder in their arguments, in their environment, or as where they are."""
    text = os.fsencode(folder)
    return {pid for pid in _all() - {os.getpid()} if text in _said_by(pid)}


def of_pod(uid: str) -> set[int]:
    """The processes of a pod of a cluster whose nodes are this machine, by their control groups."""
    return {pid for pid in _all() if f"/pod{uid}/" in _control_groups(pid)}


def wait_gone(pids: Collection[int], *, deadline_s: float) -> None:
    """Wait until each of them ended, reaped or not. Raises TimeoutError."""
    deadline = time.monotonic() + deadline_s
    for pid in pids:
        with _handle(pid) as handle:
            if handle is not None and not _ended_before(handle, deadline):
                raise TimeoutError(f"process {pid} is still there after {deadline_s} s")


def end(pids: Collection[int], *, deadline_s: float = 10) -> None:
    """Kill them, and wait until they are gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_gone(pids, deadline_s=deadline_s)


@contextlib.contextmanager
def _handle(pid: int) -> Iterator[int | None]:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def _ended_before(handle: int, deadline: float) -> bool:
    return bool(select.select([handle], [], [], max(0.0, deadline - time.monotonic()))[0])


def _all() -> set[int]:
    return {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}


def _session(pid: int) -> int | None:
    stat = _stat(pid)
    return None if stat is None else int(stat[3])


def _parent(pid: int) -> int | None:
    stat = _stat(pid)
    return None if stat is None else int(stat[1])


def _stat(pid: int) -> list[str] | None:
    """Its state, parent, group, session and more; None for one that is gone, or only waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if stat[0] == "Z" else stat


def _name(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/comm").read_text().rstrip("\n")
    except (FileNotFoundError, ProcessLookupError):
        return None


def _control_groups(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return ""


def _said_by(pid: int) -> bytes:
    said = b""
    with contextlib.suppress(OSError):  # gone, or a zombie, or another user's
        said += Path(f"/proc/{pid}/cmdline").read_bytes()
        said += Path(f"/proc/{pid}/environ").read_bytes()
        said += os.fsencode(Path(f"/proc/{pid}/cwd").readlink())
    return said
