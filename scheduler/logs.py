"""The logs of an attempt while it runs: how large they are, noted in `log.idx` whenever that changed."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scheduler.control_files import opened

_NAMES: Final = ("stdout.log", "stderr.log")


@dataclass(slots=True)
class LogMarks:
    """Lines `TIME SIZE SIZE` of one attempt: seconds since 1970, bytes of output, bytes of errors."""

    control: Path
    sizes: tuple[int, int] = (0, 0)
    """As last noted."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, now: float) -> int:
        """Note the sizes, if they are others than before; gives the bytes in both."""
        with self._lock:
            out, err = (_size(self.control / name) for name in _NAMES)
            if (out, err) != self.sizes:
                self.sizes = out, err
                self._note(f"{now:.3f} {out} {err}\n")
        return out + err

    def _note(self, line: str) -> None:
        with suppress(OSError), opened(self.control / "log.idx", "a") as file:  # a full disk ends no task
            file.write(line)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
