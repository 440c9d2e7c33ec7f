"""A bad line for one `ssh`: 200 ms there and back, 50 kB/s. Given to it as `-o ProxyCommand=…`, see `option`."""

from __future__ import annotations

import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

DELAY_S: Final = 0.1
BYTES_PER_S: Final = 50_000
_PIECE: Final = 1024


def option() -> str:
    """For `ssh -o`."""
    return f"ProxyCommand={sys.executable} {__file__} %h %p"


def carry(read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
    """Until its end: at that speed into the line, and out of it that much later."""
    line: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_arrive, args=(line, write), daemon=True).start()
    free_at = time.monotonic()
    while data := read(_PIECE):
        free_at = max(free_at, time.monotonic()) + len(data) / BYTES_PER_S
        time.sleep(max(0.0, free_at - time.monotonic()))
        line.put((time.monotonic() + DELAY_S, data))
    os._exit(0)


def _arrive(line: queue.SimpleQueue[tuple[float, bytes]], write: Callable[[bytes], object]) -> None:
    while True:
        at, data = line.get()
        time.sleep(max(0.0, at - time.monotonic()))
        write(data)


def _write_all(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def main() -> None:
    far = socket.create_connection((sys.argv[1], int(sys.argv[2])))
    threading.Thread(target=carry, args=(lambda size: os.read(0, size), far.sendall), daemon=True).start()
    carry(far.recv, _write_all)


if __name__ == "__main__":
    main()
