"""From a stranger to a caller: who is at the other end of one connection, and how many sessions they may open.

A key that is offered proves nothing: looking it up changes nothing. The identity is taken in `auth_completed`,
from the key whose signature was verified, and never again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

import asyncssh
import structlog

from tovi_server.core.access import Caller
from tovi_server.core.errors import InvariantError, ToviError, UnavailableError
from tovi_server.receivers.admission import Entry
from tovi_server.receivers.counter import Claim
from tovi_server.receivers.edge import Edge
from tovi_server.receivers.ssh_channel import Channel
from tovi_server.receivers.ssh_connection import Connection
from tovi_server.receivers.ssh_session import Session

log = structlog.get_logger(__name__)

_LONGEST_NAME_BYTES = 64
_WINDOW_BYTES = 2 << 20


@dataclass(frozen=True, slots=True)
class _Lookup:
    """What the gate said of a key, and when."""

    key: bytes
    caller: Caller | None
    at: float


class Login(asyncssh.SSHServer):
    """asyncssh's view of one connection's owner. `on_end` is told when the connection is gone."""

    def __init__(
        self, edge: Edge, entry: Entry, *, clock: Callable[[], float], on_end: Callable[[Login], None]
    ) -> None:
        self._edge = edge
        self._entry = entry
        self._clock = clock
        self._on_end = on_end
        self._limits = edge.settings.limits
        self._lookup: _Lookup | None = None
        self._tried = 0
        self._sessions: set[Session] = set()
        self._claim: Claim | None = None
        self._gone = False
        self._draining = False
        self.caller: Caller | None = None
        """None until the login is complete; never changes after."""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        assert isinstance(conn, Connection)
        self._connection = conn

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True
        self._entry.left(self._clock())
        if self._claim is not None:
            self._edge.counter.release(self._claim)
        self._on_end(self)

    def begin_auth(self, username: str) -> bool:
        """Names mean nothing here: the key does. Still none may be a trap for a terminal or a log."""
        if len(username.encode()) > _LONGEST_NAME_BYTES or not username.isprintable():
            raise asyncssh.IllegalUserName("a user name has at most 64 printable bytes")
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        if self._tried > self._limits.keys_tried:
            raise asyncssh.DisconnectError(
                asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE,
                f"none of {self._limits.keys_tried} keys is known here; name one with -i FILE -o IdentitiesOnly=yes "
                "(in ~/.ssh/config: IdentityFile FILE, IdentitiesOnly yes)",
            )
        self._tried += 1
        return await self._owner(key) is not None

    async def auth_completed(self) -> None:
        """Adopt the identity, before anything else can happen on this connection, then count it."""
        self.caller = self._proven_caller()
        self._entry.logged_in()
        peer = self._connection.get_extra_info("peername")
        log.info("logged_in", user=self.caller.user, key=self.caller.key, peer=peer)
        self._edge.spawn(self._edge.gate.logged_in(self.caller))
        await self._count_in(self.caller)

    def session_requested(self) -> tuple[asyncssh.SSHServerChannel[bytes], Awaitable[Session]]:
        if self._draining:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "the server is going down")
        if len(self._sessions) >= self._limits.sessions_per_connection:
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_RESOURCE_SHORTAGE, f"{len(self._sessions)} sessions are open on this connection already"
            )
        assert self.caller is not None
        session = Session(self._edge, self.caller, on_end=self._session_ended)
        self._sessions.add(session)
        channel = Channel(self._connection, window=_WINDOW_BYTES, environment_bytes=self._limits.environment_bytes)
        return channel, self._admitted(session)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> NoReturn:
        raise _not_forwarded()

    def unix_connection_requested(self, dest_path: str) -> NoReturn:
        raise _not_forwarded()

    def tun_requested(self, unit: int | None) -> NoReturn:
        raise _not_forwarded()

    def tap_requested(self, unit: int | None) -> NoReturn:
        raise _not_forwarded()

    def server_requested(self, listen_host: str, listen_port: int) -> bool:
        return False

    def unix_server_requested(self, listen_path: str) -> bool:
        return False

    def end(self, reason: str) -> None:
        """Close the connection, telling the client why."""
        self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, reason)

    def abort(self) -> None:
        """Close the connection without a word."""
        self._connection.abort()

    def end_tuis(self, why: ToviError) -> bool:
        """End the terminal UIs on this connection, which nobody ends by waiting; whether there are any."""
        return any([session.end_tui(why) for session in self._sessions])  # noqa: C419  # all of them, not the first

    def drain(self) -> None:
        """Open no more sessions, and close the connection with the last one."""
        self._draining = True
        self.end_tuis(UnavailableError("the server is going down", hint="it is mostly back in a moment"))
        if not self._sessions:
            self.end("the server is going down")

    async def wait_ended(self) -> None:
        await self._connection.wait_closed()

    def _session_ended(self, session: Session) -> None:
        self._sessions.discard(session)
        if self._draining:
            self.drain()

    async def _owner(self, key: asyncssh.SSHKey) -> Caller | None:
        """Whose key it is; asked again only when the last answer was for another key or is no longer fresh."""
        known = self._lookup
        if known is not None and known.key == key.public_data and self._is_fresh(known.at):
            return known.caller
        try:
            caller = await self._edge.gate.caller_by_key(key.get_fingerprint())
        except UnavailableError as error:
            why = f"nobody can log in just now ({error.what}); try again in a moment"
            raise asyncssh.DisconnectError(asyncssh.DISC_SERVICE_NOT_AVAILABLE, why) from error
        self._lookup = _Lookup(key.public_data, caller, self._clock())
        return caller

    def _proven_caller(self) -> Caller:
        found = self._lookup
        if found is None or found.caller is None or found.key != self._connection.proven_key:
            raise InvariantError("a login was completed with another key than the one that was looked up")
        return found.caller

    async def _count_in(self, caller: Caller) -> None:
        claim = Claim("user", caller.user, self._limits.connections_per_user)
        if await self._edge.counter.acquire(claim):
            self.end(f"{caller.user} has {claim.limit} connections open already")
        elif self._gone:
            self._edge.counter.release(claim)
        else:
            self._claim = claim

    async def _admitted(self, session: Session) -> Session:
        """The session, if its caller may still have one at this moment."""
        assert self.caller is not None
        assert self._lookup is not None
        if not self._is_fresh(self._lookup.at) and not await self._edge.gate.still_valid(self.caller):
            self._sessions.discard(session)
            self.end("this key or its user is no longer valid")
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "no longer valid")
        return session

    def _is_fresh(self, at: float) -> bool:
        return self._clock() - at < self._edge.settings.recheck_interval.total_seconds()


def _not_forwarded() -> asyncssh.ChannelOpenError:
    """A forward would let people reach from here what they cannot reach from where they are."""
    return asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "forwarding is not offered here")
