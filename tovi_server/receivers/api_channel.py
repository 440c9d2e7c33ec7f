"""ManagerAPI as JSON lines on one byte stream: subsystem `tovi-api`, and the UNIX socket of the terminal UI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import structlog

from tovi_server import api
from tovi_server.api import ManagerAPI
from tovi_server.api_verbs import WireVerb, wire_verb
from tovi_server.api_wire import (
    LONGEST_REQUEST,
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

MOST_CALLS = 64
"""Under way at once on one stream."""

log = structlog.get_logger(__name__)


async def serve_api(manager: ManagerAPI, reader: ByteReader, writer: ByteWriter) -> None:
    """Serve until the client ends the stream or breaks the protocol; then all its calls are cancelled."""
    lines, channel = Lines(reader, longest=LONGEST_REQUEST), _Channel(manager, Sender(writer))
    try:
        if await channel.greet(lines):
            async with asyncio.TaskGroup() as group:
                await channel.serve(lines, group)
    except* ConnectionError as group_of_errors:
        log.info("api_stream_ended", why=str(group_of_errors.exceptions[0]))


class _Served:
    """A call under way: its task, the pieces of its body, and how many items may be sent."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.body: asyncio.Queue[bytes | BodyEnd] = asyncio.Queue(maxsize=WINDOW + 1)
        self.may_send = asyncio.Semaphore(WINDOW)


class _Channel:
    def __init__(self, manager: ManagerAPI, sender: Sender) -> None:
        self._manager = manager
        self._sender = sender
        self._calls: dict[int, _Served] = {}

    async def greet(self, lines: Lines) -> bool:
        """Say hello; whether the client speaks the same version."""
        await self._sender.send(Hello(api.VERSION))
        return await lines.next() == Hello(api.VERSION)

    async def serve(self, lines: Lines, group: asyncio.TaskGroup) -> None:
        try:
            while (message := await lines.next()) is not None:
                self._handle(message, group)
        finally:
            for call in self._calls.values():
                if call.task is not None:
                    call.task.cancel()

    def _handle(self, message: Message, group: asyncio.TaskGroup) -> None:
        match message:
            case Call():
                self._begin(message, group)
            case Cancel(id=number):
                if (call := self._calls.get(number)) and call.task:
                    call.task.cancel()
            case More(id=number, count=count):
                if call := self._calls.get(number):
                    for _ in range(min(count, WINDOW)):
                        call.may_send.release()
            case Body(id=number, data=data) if len(data) <= PIECE_BYTES:
                self._take(number, data)
            case BodyEnd(id=number):
                self._take(number, message)
            case _:
                raise ProtocolError(f"a client does not send this {message.type}")

    def _begin(self, message: Call, group: asyncio.TaskGroup) -> None:
        verb = wire_verb(message.verb)
        if message.id in self._calls or verb is None:
            raise ProtocolError(f"there is no verb {message.verb!r}, or its id is in use")
        if len(self._calls) >= MOST_CALLS:
            self._sender.post(_failed(message.id, UnavailableError("too many calls at once", hint="try again")))
            return
        call = self._calls[message.id] = _Served()
        arguments = verb.unpack(message.arguments)
        if verb.body is not None:
            arguments[verb.body] = self._source(message.id, call)
        call.task = group.create_task(self._perform(message.id, verb, arguments, call))

    def _take(self, number: int, piece: bytes | BodyEnd) -> None:
        call = self._calls.get(number)
        if call is None:
            return  # its call ended before it was read
        try:
            call.body.put_nowait(piece)
        except asyncio.QueueFull:
            raise ProtocolError("a body runs ahead of its reader") from None

    async def _perform(self, number: int, verb: WireVerb, arguments: dict[str, object], call: _Served) -> None:
        """Do one call and answer it; one that goes wrong ends nothing else."""
        try:
            answer = getattr(self._manager, verb.name)(**arguments)
            if verb.is_stream:
                await self._send_items(number, verb, call, answer)
            else:
                await self._sender.send(Answer(number, verb.pack_result(await answer)))
        except ToviError as error:
            self._sender.post(_failed(number, error))
        except ConnectionError:  # mostly the client's own, which then hears nothing of it
            self._sender.post(_failed(number, UnavailableError("a connection broke off", hint="try again")))
        except Exception:  # one call that goes wrong ends no other
            log.exception("api_call_failed", verb=verb.name)
            self._sender.post(_failed(number, ToviError("the server failed to do this", why="it is in its log")))
        finally:
            del self._calls[number]

    async def _send_items(self, number: int, verb: WireVerb, call: _Served, items: AsyncIterator[object]) -> None:
        try:
            async for item in items:
                await call.may_send.acquire()
                await self._sender.send(Item(number, verb.pack_result(item)))
        finally:
            if isinstance(items, AsyncGenerator):
                await items.aclose()
        await self._sender.send(End(number))

    async def _source(self, number: int, call: _Served) -> AsyncIterator[bytes]:
        while not isinstance(piece := await call.body.get(), BodyEnd):
            self._sender.post(More(number, 1))
            yield piece
        if not piece.whole:
            raise ConnectionResetError("the body broke off at the client")


def _failed(number: int, error: ToviError) -> Failed:
    return Failed(number, error.code, error.what, error.why, error.hint)
