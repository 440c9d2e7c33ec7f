"""The counts of several receivers in one place: the parent answers, each receiver asks over a socket of its own.

A question is a JSON line `[true, [[kind, key, limit], …]]` and is answered by a line: -1, or the place of the
claim that was refused. `[false, …]` gives claims back and is not answered. When a receiver's socket ends,
however it ended, all that it held is free again.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable

from tovi_server.core.errors import UnavailableError
from tovi_server.receivers.counter import Claim, LocalCounter

_GRANTED = -1


class CounterServer:
    """The parent's side. One for a machine."""

    def __init__(self) -> None:
        self._counts = LocalCounter()
        self._receivers: set[_Receiver] = set()

    async def attach(self, sock: socket.socket) -> None:
        """Answer one receiver on its connected socket, from now until it ends."""
        receiver = _Receiver(self._counts, on_end=self._receivers.discard)
        self._receivers.add(receiver)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: receiver, sock)

    def held(self, kind: str) -> int:
        """How many claims of a kind all receivers hold now."""
        return self._counts.held(kind)

    def close(self) -> None:
        """Answer nobody any more."""
        for receiver in list(self._receivers):
            receiver.transport.close()


class RemoteCounter:
    """A receiver's side; satisfies `Counter`."""

    def __init__(self, link: _Link) -> None:
        self._link = link

    @classmethod
    async def connect(cls, sock: socket.socket) -> RemoteCounter:
        """Over a connected socket: the other end of what the parent attached."""
        link = _Link()
        await asyncio.get_running_loop().connect_accepted_socket(lambda: link, sock)
        return cls(link)

    async def acquire(self, *claims: Claim) -> Claim | None:
        answer = await self._link.ask(claims)
        return None if answer == _GRANTED else claims[answer]

    def release(self, *claims: Claim) -> None:
        self._link.give_back(claims)

    def close(self) -> None:
        """Give everything back and ask no more."""
        self._link.transport.close()


class _Lines(asyncio.Protocol):
    """Whole lines of one connected socket."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.line_received(line)

    def line_received(self, line: bytes) -> None:
        raise NotImplementedError


class _Receiver(_Lines):
    """One receiver, as the parent sees it."""

    def __init__(self, counts: LocalCounter, *, on_end: Callable[[_Receiver], None]) -> None:
        super().__init__()
        self._counts = counts
        self._on_end = on_end
        self._held: Tally[Claim] = Tally()

    def line_received(self, line: bytes) -> None:
        acquiring, listed = json.loads(line)
        claims = tuple(Claim(*fields) for fields in listed)
        if acquiring:
            self.transport.write(b"%d\n" % self._take(claims))
        else:
            self._give_back(claims)

    def connection_lost(self, exc: Exception | None) -> None:
        self._counts.release(*self._held.elements())
        self._on_end(self)

    def _take(self, claims: tuple[Claim, ...]) -> int:
        refused = self._counts.take(*claims)
        if refused is not None:
            return claims.index(refused)
        self._held.update(claims)
        return _GRANTED

    def _give_back(self, claims: tuple[Claim, ...]) -> None:
        self._counts.release(*claims)
        for claim in claims:
            self._held[claim] -= 1
            if self._held[claim] == 0:
                del self._held[claim]


class _Link(_Lines):
    """The parent, as a receiver sees it. Answers come in the order of the questions."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: deque[tuple[tuple[Claim, ...], asyncio.Future[int]]] = deque()

    async def ask(self, claims: tuple[Claim, ...]) -> int:
        if self.transport.is_closing():
            raise _parent_gone()
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked.append((claims, answer))
        self._send(True, claims)
        return await answer

    def give_back(self, claims: tuple[Claim, ...]) -> None:
        if not self.transport.is_closing():
            self._send(False, claims)

    def line_received(self, line: bytes) -> None:
        claims, answer = self._asked.popleft()
        if not answer.done():
            answer.set_result(int(line))
        elif int(line) == _GRANTED:  # who asked has been cancelled meanwhile
            self.give_back(claims)

    def connection_lost(self, exc: Exception | None) -> None:
        while self._asked:
            _, answer = self._asked.popleft()
            if not answer.done():
                answer.set_exception(_parent_gone())

    def _send(self, acquiring: bool, claims: tuple[Claim, ...]) -> None:
        listed = [[claim.kind, claim.key, claim.limit] for claim in claims]
        self.transport.write(json.dumps([acquiring, listed]).encode() + b"\n")


def _parent_gone() -> UnavailableError:
    return UnavailableError("connections cannot be counted now", why="the process that counts them is gone")
