"""ManagerAPI as JSON lines: the messages, and how values travel in them. Both sides are built on this file.

Each line is one message. Both sides begin with `hello`. Then the client calls verbs, many at once, each with
an id of its own choice; pieces of a request's body and items of an answer's stream may be sent ahead of the
reader only up to `WINDOW`, and `more` says that some were taken.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import ConfigDict, Discriminator, JsonValue, TypeAdapter, ValidationError

WINDOW = 16
"""Pieces or items under way at most."""
PIECE_BYTES = 64 * 1024
"""The largest piece of a body."""
LONGEST_REQUEST = 1024 * 1024
LONGEST_ANSWER = 256 * 1024 * 1024
READ_BYTES = 256 * 1024

WIRE_CONFIG = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64", ser_json_inf_nan="constants")


class ProtocolError(ConnectionError):
    """The other side says what it must not. The connection ends."""


@dataclass(frozen=True, slots=True)
class Hello:
    version: int
    type: Literal["hello"] = "hello"


@dataclass(frozen=True, slots=True)
class Call:
    """Do a verb. `arguments` are by name; a body follows where the verb takes one."""

    id: int
    verb: str
    arguments: dict[str, JsonValue]
    type: Literal["call"] = "call"


@dataclass(frozen=True, slots=True)
class Body:
    id: int
    data: bytes
    type: Literal["body"] = "body"


@dataclass(frozen=True, slots=True)
class BodyEnd:
    """`whole` is False when it broke off at the client."""

    id: int
    whole: bool
    type: Literal["body-end"] = "body-end"


@dataclass(frozen=True, slots=True)
class More:
    """The reader of a body or stream took `count` more."""

    id: int
    count: int
    type: Literal["more"] = "more"


@dataclass(frozen=True, slots=True)
class Cancel:
    """Nobody waits for this call any more."""

    id: int
    type: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True)
class Answer:
    id: int
    result: JsonValue
    type: Literal["answer"] = "answer"


@dataclass(frozen=True, slots=True)
class Item:
    id: int
    item: JsonValue
    type: Literal["item"] = "item"


@dataclass(frozen=True, slots=True)
class End:
    """A stream has no more items."""

    id: int
    type: Literal["end"] = "end"


@dataclass(frozen=True, slots=True)
class Failed:
    """A call ended with a ToviError."""

    id: int
    code: str
    what: str
    why: str = ""
    hint: str = ""
    type: Literal["failed"] = "failed"


Message = Hello | Call | Body | BodyEnd | More | Cancel | Answer | Item | End | Failed
_MESSAGES: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Discriminator("type")], config=WIRE_CONFIG)


class ByteReader(Protocol):
    """What asyncio's and asyncssh's readers have in common."""

    async def read(self, n: int, /) -> bytes:
        """At most n bytes; none at the end."""
        ...


class ByteWriter(Protocol):
    """What asyncio's and asyncssh's writers have in common."""

    def write(self, data: bytes, /) -> None: ...

    async def drain(self) -> None: ...


def encode(message: Message) -> bytes:
    """The message as one line."""
    return _MESSAGES.dump_json(message) + b"\n"


def decode(line: bytes) -> Message:
    """Raises ProtocolError: it is no message."""
    try:
        return _MESSAGES.validate_json(line)
    except ValidationError as error:
        raise ProtocolError("a line is no message") from error


class Lines:
    """Reads lines of at most `longest` bytes."""

    def __init__(self, reader: ByteReader, *, longest: int) -> None:
        self._reader = reader
        self._longest = longest
        self._rest = bytearray()

    async def next(self) -> Message | None:
        """The next message; None at the end. Raises ProtocolError: a line is too long or no message."""
        searched = 0
        while (end := self._rest.find(b"\n", searched)) < 0:
            searched = len(self._rest)
            if searched > self._longest:
                raise ProtocolError("a line is too long")
            data = await self._reader.read(READ_BYTES)
            if not data:
                return None
            self._rest += data
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        return decode(line)


class Sender:
    """Writes messages; many may send at once, and each message stays whole."""

    def __init__(self, writer: ByteWriter) -> None:
        self._writer = writer
        self._turn = asyncio.Lock()

    async def send(self, message: Message) -> None:
        """Send, waiting while the other side does not read. Raises ConnectionError: it went away."""
        line = encode(message)
        async with self._turn:
            self._writer.write(line)
            await self._writer.drain()

    def post(self, message: Message) -> None:
        """Send without waiting: for small messages, whose number is bounded. Nothing when the other side is gone."""
        with suppress(ConnectionError):
            self._writer.write(encode(message))
