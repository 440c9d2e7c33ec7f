"""The client's end of a stream of ManagerAPI messages: many calls at once, each with its own bounded inbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar, cast

from tovi_server import api
from tovi_server.api_verbs import WireVerb, wire_verb
from tovi_server.api_wire import (
    LONGEST_ANSWER,
    PIECE_BYTES,
    WINDOW,
    Answer,
    Body,
    BodyEnd,
    ByteReader,
    ByteWriter,
    Call,
    Cancel,
    End,
    Failed,
    Hello,
    Item,
    Lines,
    Message,
    More,
    ProtocolError,
    Sender,
)
from tovi_server.core.errors import ToviError, UnavailableError

T = TypeVar("T")

Asked = Callable[..., Awaitable[T]]
Streamed = Callable[..., AsyncIterator[T]]
"""A verb of the Protocol itself, e.g. `ManagerAPI.logs`: its name is called, its type is what comes back."""


class Line(Protocol):
    """What a RemoteManager needs of a connection."""

    async def ask(self, verb: Asked[T], /, **arguments: object) -> T: ...

    async def send(self, verb: Asked[T], source: AsyncIterable[bytes], /, **arguments: object) -> T: ...

    def stream(self, verb: Streamed[T], /, **arguments: object) -> AsyncIterator[T]: ...


class _Pending:
    """A call under way: what came for it, and how many pieces of its body may be sent."""

    def __init__(self, number: int, verb: WireVerb) -> None:
        self.number = number
        self.verb = verb
        self.inbox: asyncio.Queue[Message | Exception] = asyncio.Queue()
        self.may_send = asyncio.Semaphore(WINDOW)
        self.is_over = False

    async def next(self) -> Message:
        """The next message for this call. Raises what ended it."""
        message = await self.inbox.get()
        if isinstance(message, Exception):
            raise message
        if isinstance(message, Answer | End | Failed):
            self.is_over = True
        if isinstance(message, Failed):
            raise rebuilt(message)
        return message


class Connection:
    """Shared by all calls of one RemoteManager."""

    def __init__(self, lines: Lines, sender: Sender) -> None:
        self._lines = lines
        self._sender = sender
        self._pending: dict[int, _Pending] = {}
        self._calls = 0
        self._lost: Exception | None = None
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, reader: ByteReader, writer: ByteWriter) -> Connection:
        """Shake hands. Raises UnavailableError: nobody answers; ToviError: the versions differ."""
        lines, sender = Lines(reader, longest=LONGEST_ANSWER), Sender(writer)
        try:
            await sender.send(Hello(api.VERSION))
            greeting = await lines.next()
        except ConnectionError as error:
            raise lost() from error
        if not isinstance(greeting, Hello):
            raise lost()
        if greeting.version != api.VERSION:
            raise ToviError(
                f"the server speaks version {greeting.version} of the API, this program version {api.VERSION}",
                hint="install the version of tovi that the server has: `ssh HOST version`",
            )
        return cls(lines, sender)

    @property
    def is_lost(self) -> bool:
        """Whether the other side is gone: every further call fails."""
        return self._reading.done()

    async def close(self) -> None:
        """Stop reading. Calls under way end with UnavailableError."""
        self._reading.cancel()
        await asyncio.wait({self._reading})

    async def ask(self, verb: Asked[T], /, **arguments: object) -> T:
        """Call a verb and give its answer."""
        with self._calling(verb, arguments) as call:
            return cast(T, _result(call.verb, await call.next()))

    async def send(self, verb: Asked[T], source: AsyncIterable[bytes], /, **arguments: object) -> T:
        """As `ask`, with a body that is sent as far as the server reads it."""
        with self._calling(verb, arguments) as call:
            sending = asyncio.create_task(self._send_body(call, source))
            try:
                return cast(T, _result(call.verb, await call.next()))
            finally:
                sending.cancel()
                await asyncio.wait({sending})

    async def stream(self, verb: Streamed[T], /, **arguments: object) -> AsyncIterator[T]:
        """Call a verb and give what comes, until its end. Not reading on holds up the server."""
        with self._calling(verb, arguments) as call:
            while isinstance(message := await call.next(), Item):
                yield cast(T, call.verb.unpack_result(message.item))
                self._sender.post(More(call.number, 1))

    @contextmanager
    def _calling(self, verb: Callable[..., object], arguments: dict[str, object]) -> Iterator[_Pending]:
        if self._lost is not None:
            raise self._lost
        wire = wire_verb(verb.__name__)
        assert wire is not None, "verbs are those of ManagerAPI"
        self._calls += 1
        call = self._pending[self._calls] = _Pending(self._calls, wire)
        self._sender.post(Call(call.number, wire.name, wire.pack(arguments)))
        try:
            yield call
        finally:
            del self._pending[call.number]
            if not call.is_over:
                self._sender.post(Cancel(call.number))

    async def _send_body(self, call: _Pending, source: AsyncIterable[bytes]) -> None:
        try:
            async for data in source:
                for start in range(0, len(data), PIECE_BYTES):
                    await call.may_send.acquire()
                    await self._sender.send(Body(call.number, data[start : start + PIECE_BYTES]))
            await self._sender.send(BodyEnd(call.number, whole=True))
        except Exception as error:  # whatever the source raises is raised by the call
            self._sender.post(BodyEnd(call.number, whole=False))
            call.inbox.put_nowait(error)

    async def _read(self) -> None:
        try:
            while (message := await self._lines.next()) is not None:
                self._deliver(message)
            self._lost = lost()
        except ConnectionError as error:
            self._lost = lost()
            self._lost.__cause__ = error
        finally:
            for call in self._pending.values():
                call.inbox.put_nowait(self._lost or lost())

    def _deliver(self, message: Message) -> None:
        match message:
            case More(id=number, count=count) if number in self._pending:
                for _ in range(min(count, WINDOW)):
                    self._pending[number].may_send.release()
            case Answer(id=number) | Item(id=number) | End(id=number) | Failed(id=number):
                if number in self._pending:  # it may have been cancelled while this was on its way
                    self._pending[number].inbox.put_nowait(message)
            case More():
                pass
            case _:
                raise ProtocolError(f"a server does not send {message.type}")


def lost() -> UnavailableError:
    """The error for a connection that ended."""
    return UnavailableError("the connection to the server was lost", hint="try again")


def rebuilt(failed: Failed) -> ToviError:
    """The error that was raised on the other side; one of an unknown code is a plain ToviError."""
    return _kinds().get(failed.code, ToviError)(failed.what, why=failed.why, hint=failed.hint)


def _kinds() -> dict[str, type[ToviError]]:
    kinds: dict[str, type[ToviError]] = {}
    rest = [ToviError]
    while rest:
        kind = rest.pop()
        kinds.setdefault(kind.code, kind)
        rest += kind.__subclasses__()
    return kinds


def _result(verb: WireVerb, message: Message) -> object:
    if not isinstance(message, Answer):
        raise ProtocolError(f"the answer to {verb.name} is a {message.type}")
    return verb.unpack_result(message.result)
