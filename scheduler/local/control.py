"""The control files of an attempt: who runs it, why it is being ended, and how it ended.

`exit.json` is written by temp, fsync and rename. The shim writes `exit.tmp` at the end of the program; the server
makes of it an `exit.json` with all that is known.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from scheduler.control_files import opened
from tovi_server.core.reasons import EndReason

CLAIM: Final = "claim"
"""Written by the shim before it runs anything."""
EXIT: Final = "exit.json"
_ENDED: Final = "exit.tmp"
_ENDING: Final = "ending"
_TIMES: Final = "times"


@dataclass(frozen=True, slots=True)
class Claim:
    """Which process runs, or ran, an attempt; `started` in clock ticks since that boot."""

    pid: int
    started: int
    boot_id: str
    at: float
    """The time it was written, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How an attempt ended, as noted; `complete` by a server, with all that is known."""

    exit_code: int | None
    reason: str
    """Empty when only the exit code says it."""
    message: str = ""
    at: float | None = None
    cpu_s: float | None = None
    memory_bytes: int | None = None
    complete: bool = False


def read_claim(control: Path) -> Claim | None:
    """None when nobody ever started it, or its shim died in the moment of writing."""
    try:
        with opened(control / CLAIM, "r") as file:
            text = file.read(4096)
            at = os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None
    match text.split():
        case [pid, started, boot_id] if text.endswith("\n"):
            return Claim(int(pid), int(started), boot_id, at)
    return None


def was_claimed(control: Path) -> bool:
    return (control / CLAIM).exists()


def close_claim(control: Path) -> None:
    """Claim it for nobody, so that no shim starts it any more.

    Raises:
        FileExistsError: somebody has claimed it.
    """
    with (control / CLAIM).open("x") as file:
        file.write("0 0 nobody\n")


def why_unwritable(control: Path) -> str:
    """What the system says to a new file there."""
    probe = control / "probe"
    try:
        with opened(probe, "w") as file:
            file.write("0\n")
        probe.unlink()
    except OSError as error:
        return error.strerror or str(error)
    return "its shim was ended before it started anything"


def read_exit(control: Path) -> Exit | None:
    """How it ended, however far that was noted; None while nobody noted it."""
    return _read(control / EXIT) or _read(control / _ENDED)


def was_noted(control: Path) -> bool:
    return (control / EXIT).exists()


def _read(path: Path) -> Exit | None:
    try:
        with opened(path, "r") as file:
            noted = Exit(**json.load(file))
            return noted if noted.at else replace(noted, at=os.fstat(file.fileno()).st_mtime)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return None  # cut off by a full disk or a power cut


def write_exit(control: Path, ended: Exit) -> None:
    """Note durably how it ended.

    Raises:
        OSError: the disk does not let it.
    """
    temporary = control / "exit.new"
    with opened(temporary, "w") as file:
        file.write(json.dumps(asdict(ended)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(control / EXIT)
    (control / _ENDED).unlink(missing_ok=True)


def write_ending(control: Path, reason: EndReason) -> None:
    """Note why it is being ended, before it is: the next server must know it too."""
    with suppress(OSError), opened(control / _ENDING, "w") as file:  # a full disk must not keep it running
        file.write(f"{reason}\n")


def read_ending(control: Path) -> EndReason | None:
    try:
        return EndReason((control / _ENDING).read_text().strip())
    except (FileNotFoundError, ValueError):
        return None


def read_times(control: Path) -> float | None:
    """The CPU seconds that a shim left alone counted: `times` of sh, whose second line is of its children."""
    try:
        used = (control / _TIMES).read_text().splitlines()[1].split()
        return sum(60 * float(minutes) + float(seconds.removesuffix("s")) for minutes, seconds in _split(used))
    except (OSError, ValueError, IndexError):
        return None


def _split(used: list[str]) -> list[list[str]]:
    return [one.split("m", 1) for one in used]
