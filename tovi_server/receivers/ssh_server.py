"""The SSH receiver: listen, admit, log in, and hand each session what is behind the door."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Coroutine

import structlog

from tovi_server.api import Gate
from tovi_server.core.errors import UnavailableError
from tovi_server.receivers import algorithms, ssh_options
from tovi_server.receivers.acceptor import Acceptor, connection_cap
from tovi_server.receivers.admission import Admission, Entry
from tovi_server.receivers.counter import Counter
from tovi_server.receivers.doors import Doors
from tovi_server.receivers.edge import Edge, Welcome
from tovi_server.receivers.leave import take_leave
from tovi_server.receivers.recheck import close_invalid
from tovi_server.receivers.settings import ReceiverSettings
from tovi_server.receivers.ssh_connection import Connection
from tovi_server.receivers.ssh_login import Login
from tovi_server.receivers.tui_host import TuiHost
from tovi_server.streams import RunCommand

log = structlog.get_logger(__name__)


class SshReceiver:
    """Serves SSH on one socket until it is drained. One receiver, one `serve`."""

    def __init__(
        self,
        gate: Gate,
        *,
        settings: ReceiverSettings,
        run_command: RunCommand,
        welcome: Welcome,
        counter: Counter,
        doors: Doors,
        tui: TuiHost | None = None,
    ) -> None:
        self._settings = settings
        self._edge = Edge(gate, counter, settings, run_command, welcome, doors, tui, spawn=self._spawn)
        self._admission = Admission(counter, settings.limits, dice=random.random)
        self._offered = algorithms.offered(settings.profile)
        self._options = ssh_options.build(settings, self._offered)
        self._logins: set[Login] = set()
        self._acceptor = Acceptor(cap=connection_cap(settings.limits.reserved_descriptors), welcome=self._accepted)
        self._drained = asyncio.Event()

    async def serve(self, sock: socket.socket) -> None:
        """Accept connections on `sock`, which is closed at the end, until `drain` or cancellation."""
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._acceptor.start(sock)
                recheck = self._tasks.create_task(self._recheck_for_ever())
                await self._wait_drained()
                recheck.cancel()
        finally:
            self._acceptor.stop()
            self._end_all("the server is going down")

    async def _wait_drained(self) -> None:
        try:
            await self._drained.wait()
        except asyncio.CancelledError:  # there is no time for draining, but terminals are not left as they are
            await take_leave(self._logins, UnavailableError("the server broke off", hint="try again in a moment"))
            raise

    async def drain(self, grace_s: float) -> None:
        """Accept nothing new, let sessions end for so long, then close what is left; `serve` returns after it."""
        self._acceptor.stop()
        for login in list(self._logins):
            login.drain()
        waiting = [asyncio.ensure_future(login.wait_ended()) for login in self._logins]
        if waiting:
            await asyncio.wait(waiting, timeout=grace_s)
        self._end_all("the server is going down")
        self._drained.set()

    def _end_all(self, reason: str) -> None:
        for login in list(self._logins):
            login.end(reason)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        return self._tasks.create_task(_guarded(work))

    def _accepted(self, sock: socket.socket) -> None:
        self._tasks.create_task(self._admit(sock))

    async def _admit(self, sock: socket.socket) -> None:
        """Begin with one peer, or close its connection without a word."""
        began = False
        try:
            entry = await self._admission.admit(_host(sock), self._loop.time())
            if entry is not None:
                began = True
                await self._loop.connect_accepted_socket(lambda: self._connection(entry), sock)
        except Exception:  # of one peer: the others are accepted all the same
            log.exception("connection_not_admitted")
        finally:
            if not began:
                sock.close()
                self._acceptor.closed_one()

    def _connection(self, entry: Entry) -> Connection:
        login = Login(self._edge, entry, clock=self._loop.time, on_end=self._ended)
        entry.displaced = login.abort
        self._logins.add(login)
        return Connection(
            self._options,
            login=login,
            limits=self._settings.limits,
            allowed_signatures=frozenset(name.encode() for name in self._offered.user_signatures),
        )

    def _ended(self, login: Login) -> None:
        self._logins.discard(login)
        self._acceptor.closed_one()

    async def _recheck_for_ever(self) -> None:
        """Close the connections of callers who are no longer welcome, and forgive old failures."""
        while True:
            await asyncio.sleep(self._settings.recheck_interval.total_seconds())
            self._admission.forget(self._loop.time())
            try:
                await close_invalid(self._edge.gate, self._logins)
            except Exception:  # tried again at the next interval
                log.exception("recheck_failed")


async def _guarded(work: Coroutine[None, None, None]) -> None:
    """What one session still throws must not end the others, which are its siblings."""
    try:
        await work
    except Exception:  # of one session
        log.exception("session_crashed")


def _host(sock: socket.socket) -> str:
    """The peer's address; empty on a UNIX socket, or when it is gone already."""
    try:
        peer = sock.getpeername()
    except OSError:
        return ""
    return str(peer[0]) if isinstance(peer, tuple) else ""
