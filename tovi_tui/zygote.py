"""The zygote: a process that has imported the terminal UI, and does nothing but fork sessions of it.

It is started fresh: no event loop, thread, database client or key is here that a session could find or a fork could
break. It speaks with who started it over one socket of whole messages. First it says under which user sessions run.
Then each request is the environment of a session, and comes with three descriptors: its terminal, its socket to the
manager, and its line to who serves it. The answer is a pidfd, so that nobody ever signals a stranger; or why there is
none. It ends when the other end of the socket is closed, and its sessions end with it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import selectors
import socket
import sys
from collections.abc import Callable
from typing import Final

import tovi_tui
from tovi_tui import kernel
from tovi_tui.birth import be_a_session
from tovi_tui.unprivileged import drop_to

_LONGEST: Final = 64 * 1024
_DESCRIPTORS: Final = 3
_IMPORTED_LATE: Final = (
    *("textual.command", "textual.pilot", "textual.scrollbar", "textual.widgets._toast"),
    *("textual.drivers._writer_thread", "textual.drivers.headless_driver", "textual.drivers.linux_driver"),
    *("textual.layouts.factory", "textual.layouts.horizontal", "textual.layouts.stream"),
    "rich.traceback",
)
"""By Textual, when an app begins to run."""


def run_zygote(descriptor: int, user: str) -> None:
    """The zygote itself, until who started it is gone. `user`: whom to become if it is root; empty: nobody else."""
    kernel.set_name("tovi-zygote")
    kernel.die_with(os.getppid())
    for module in (*_screens(), *_IMPORTED_LATE):
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=descriptor) as server, selectors.DefaultSelector() as selector:
        server.set_inheritable(False)
        server.send(json.dumps({"kept_user": drop_to(user)}).encode())
        _Zygote(server, selector).run()


def _screens() -> list[str]:
    """All that belongs to the terminal UI, whenever it is imported by the rest of it."""
    return [module.name for module in pkgutil.walk_packages(tovi_tui.__path__, "tovi_tui.")]


class _Zygote:
    def __init__(self, server: socket.socket, selector: selectors.BaseSelector) -> None:
        self._server = server
        self._selector = selector
        self._is_over = False

    def run(self) -> None:
        self._selector.register(self._server, selectors.EVENT_READ, self._serve)
        while not self._is_over:
            for key, _ in self._selector.select():
                work: Callable[[], None] = key.data
                work()

    def _serve(self) -> None:
        """One request; whatever comes of it, its descriptors are not kept here."""
        message, descriptors, _, _ = socket.recv_fds(self._server, _LONGEST, _DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
        try:
            if message:
                self._fork(json.loads(message), descriptors)
            else:
                self._is_over = True
        finally:
            for one in descriptors:
                os.close(one)

    def _fork(self, environment: dict[str, str], descriptors: list[int]) -> None:
        zygote = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            self._server.send(json.dumps({"why": error.strerror}).encode())
            return
        if pid == 0:
            be_a_session(environment, *descriptors, zygote=zygote)
        handle = os.pidfd_open(pid)  # there even when it has ended already, for it is not buried before
        self._selector.register(handle, selectors.EVENT_READ, lambda: self._bury(pid, handle))
        socket.send_fds(self._server, [b"{}"], [handle])

    def _bury(self, pid: int, handle: int) -> None:
        self._selector.unregister(handle)
        os.close(handle)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    run_zygote(int(sys.argv[1]), sys.argv[2])
