"""The nursery: a process that has imported all that parts need, and does nothing but fork them.

So a part that died is there again in a moment, and what all parts have in memory is there once. There is no event loop,
thread, database client or key here that a fork could break. It ends when its parent does. The parts do not need it, and
when it dies a new one is started for the next part.
"""

from __future__ import annotations

import array
import gc
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Final

from tovi_server.app import run_part
from tovi_server.app.start import Start

_LONGEST: Final = 64 * 1024
_MOST_SOCKETS: Final = 64


def run_nursery(descriptor: int) -> None:
    """The nursery itself, until its parent is gone."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the parts
    parent = socket.socket(fileno=descriptor)
    while True:
        message, descriptors = _receive(parent)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            parent.close()
            _be_a_part(Start.model_validate_json(message), descriptors)
        for one in descriptors:
            os.close(one)
        parent.send(str(pid).encode())


def _receive(parent: socket.socket) -> tuple[bytes, list[int]]:
    """None of the descriptors goes further, to tasks for instance."""
    size = _MOST_SOCKETS * array.array("i").itemsize
    message, ancillary, _, _ = parent.recvmsg(_LONGEST, socket.CMSG_SPACE(size), socket.MSG_CMSG_CLOEXEC)
    received = array.array("i")
    for _, _, data in ancillary:
        received.frombytes(data)
    return message, list(received)


def _be_a_part(start: Start, descriptors: list[int]) -> None:
    """In the fork; never comes back."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    Path("/proc/self/comm").write_text(f"tovi-{start.kind}")
    status = 1
    try:
        status = run_part.run(start, [socket.socket(fileno=one) for one in descriptors])
    except Exception:  # nobody above this would print it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
