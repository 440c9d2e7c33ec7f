"""The SSH receiver: listen, admit, log in, and hand each session what is behind the door."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Coroutine, Iterable

import asyncssh
import structlog

from tovi_server.api import Gate
from tovi_server.core.access import Caller
from tovi_server.receivers import algorithms, host_keys
from tovi_server.receivers.acceptor import Acceptor, connection_cap
from tovi_server.receivers.admission import Admission, Entry
from tovi_server.receivers.algorithms import Algorithms
from tovi_server.receivers.counter import Counter
from tovi_server.receivers.doors import Doors
from tovi_server.receivers.edge import Edge, Welcome
from tovi_server.receivers.settings import ReceiverSettings
from tovi_server.receivers.ssh_connection import Connection
from tovi_server.receivers.ssh_login import Login
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
    ) -> None:
        self._settings = settings
        self._edge = Edge(gate, counter, settings, run_command, welcome, doors, spawn=self._spawn)
        self._admission = Admission(counter, settings.limits, dice=random.random)
        self._offered = algorithms.offered(settings.profile)
        self._options = _options(settings, self._offered)
        self._logins: set[Login] = set()
        self._drained = asyncio.Event()

    async def serve(self, sock: socket.socket) -> None:
        """Accept connections on `sock`, which is closed at the end, until `drain` or cancellation."""
        self._loop = asyncio.get_running_loop()
        self._acceptor = Acceptor(
            sock, cap=connection_cap(self._settings.limits.reserved_descriptors), welcome=self._accepted
        )
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._acceptor.start()
                recheck = self._tasks.create_task(self._recheck_for_ever())
                await self._drained.wait()
                recheck.cancel()
        finally:
            self._acceptor.stop()
            self._end_all("the server is going down")

    async def drain(self, grace_s: float) -> None:
        """Accept nothing new, let sessions end for so long, then close what is left; `serve` returns after it."""
        self._acceptor.stop()
        waiting = [asyncio.ensure_future(login.wait_ended()) for login in self._logins]
        if waiting:
            await asyncio.wait(waiting, timeout=grace_s)
        self._end_all("the server is going down")
        self._drained.set()

    def _end_all(self, reason: str) -> None:
        for login in list(self._logins):
            login.end(reason)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        return self._tasks.create_task(work)

    def _accepted(self, sock: socket.socket) -> None:
        self._tasks.create_task(self._admit(sock))

    async def _admit(self, sock: socket.socket) -> None:
        """Begin with one peer, or close its connection without a word."""
        try:
            entry = await self._admission.admit(_host(sock))
            if entry is None:
                self._refuse(sock)
                return
            await self._loop.connect_accepted_socket(lambda: self._connection(entry), sock)
        except Exception:
            log.exception("connection_not_admitted")
            self._refuse(sock)

    def _refuse(self, sock: socket.socket) -> None:
        sock.close()
        self._acceptor.closed_one()

    def _connection(self, entry: Entry) -> Connection:
        login = Login(self._edge, entry, clock=self._loop.time, on_end=self._ended)
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
            except Exception:
                log.exception("recheck_failed")


async def close_invalid(gate: Gate, logins: Iterable[Login]) -> None:
    """Ask once for each caller with open connections."""
    open_logins: dict[Caller, list[Login]] = {}
    for login in logins:
        if login.caller is not None:
            open_logins.setdefault(login.caller, []).append(login)
    for caller, theirs in open_logins.items():
        if not await gate.still_valid(caller):
            log.info("caller_invalid", user=caller.user, connections=len(theirs))
            for login in theirs:
                login.end("this key or its user is no longer valid")


def _host(sock: socket.socket) -> str:
    """The peer's address; empty on a UNIX socket, or when it is gone already."""
    try:
        peer = sock.getpeername()
    except OSError:
        return ""
    return str(peer[0]) if isinstance(peer, tuple) else ""


def _options(settings: ReceiverSettings, offered: Algorithms) -> asyncssh.SSHServerConnectionOptions:
    """Everything that all connections share, built once: keys are read and lists checked here, not per login."""
    limits = settings.limits
    options = asyncssh.SSHServerConnectionOptions(
        server_version="Tovi",
        server_host_keys=host_keys.load(settings.host_keys),
        kex_algs=offered.key_exchange,
        encryption_algs=offered.ciphers,
        mac_algs=offered.macs,
        compression_algs=None,
        signature_algs=offered.user_signatures,
        password_auth=False,
        kbdint_auth=False,
        host_based_auth=False,
        gss_host=None,
        authorized_client_keys=None,
        x509_trusted_certs=None,
        agent_forwarding=False,
        x11_forwarding=False,
        login_timeout=limits.login_timeout.total_seconds(),
        keepalive_interval=limits.keepalive_interval.total_seconds(),
        keepalive_count_max=limits.keepalive_misses,
    )
    for name in [name for name in options.server_host_keys if name.decode() not in offered.host_signatures]:
        del options.server_host_keys[name]
    return options
