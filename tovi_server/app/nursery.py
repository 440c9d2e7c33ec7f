"""Where the parent gets parts from: one more process, which is started when it is needed. See `forking`."""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from typing import Final

from tovi_server.app.start import Start

_LONGEST_PID: Final = 32


class Nursery:
    """The parent's side."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._socket: socket.socket | None = None
        self._process: Process | None = None

    async def fork(self, start: Start, sockets: Sequence[socket.socket]) -> int | None:
        """The pid of a new part, which has `sockets` as its own.

        None: the nursery died, and the next one will be another. It may have forked a part before it did, so nobody
        asks again with the same sockets: that part ends because nobody is at their other ends.
        """
        async with self._one_at_a_time:
            pid = await self._ask(self._socket or await self._begin(), start, sockets)
            if pid is None:
                self.close()
            return pid

    async def _ask(self, nursery: socket.socket, start: Start, sockets: Sequence[socket.socket]) -> int | None:
        """None: the nursery is dead."""
        try:
            socket.send_fds(nursery, [start.model_dump_json().encode()], [one.fileno() for one in sockets])
            answer = await asyncio.get_running_loop().sock_recv(nursery, _LONGEST_PID)
        except ConnectionError:
            return None
        return int(answer) if answer else None

    def close(self) -> None:
        """Let it end."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _begin(self) -> socket.socket:
        """In a process group of its own: Ctrl-C is for the parent, which then tells the others."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tovi_server", "nursery", str(theirs.fileno())),
            pass_fds=(theirs.fileno(),),
            stdin=asyncio.subprocess.DEVNULL,
            process_group=0,
        )
        theirs.close()
        self._socket = ours
        return ours
