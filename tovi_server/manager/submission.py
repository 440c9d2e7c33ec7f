"""What arrives with `submit`: a tovi.yaml, or an archive with one in it. Sniffed, bounded, read to its end."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Final

from tovi_server.core.errors import InvalidSpecError
from tovi_server.core.resources import MIB, format_bytes

MOST_YAML_BYTES: Final = MIB
ENOUGH_TO_TELL: Final = 512
"""A tar's first header is that long."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """The first bytes, and all of them again as a stream."""

    first: bytes
    whole: AsyncIterator[bytes]


async def arrive(source: AsyncIterable[bytes]) -> Arrival:
    """Read as much as is needed to tell what it is.

    Raises:
        InvalidSpecError: nothing came.
    """
    rest = aiter(source)
    first = b""
    async for piece in rest:
        first += piece
        if len(first) >= ENOUGH_TO_TELL:
            break
    if not first:
        raise InvalidSpecError(
            "nothing came on standard input",
            why="submit reads a tovi.yaml, or a tar stream with one at its top",
            hint="`submit < tovi.yaml`, or `tar c . | … submit -`",
        )
    return Arrival(first, _again(first, rest))


async def _again(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


async def read_yaml(chunks: AsyncIterator[bytes]) -> str:
    """The text of a tovi.yaml.

    Raises:
        InvalidSpecError: it is too long, or no UTF-8.
    """
    text = b""
    async for piece in chunks:
        text += piece
        if len(text) > MOST_YAML_BYTES:
            raise InvalidSpecError(
                f"the tovi.yaml has more than {format_bytes(MOST_YAML_BYTES)}",
                why="that is the limit",
                hint="code and data travel beside it: `tar c . | … submit -`",
            )
    return decode(text)


def decode(text: bytes) -> str:
    """Raises:
    InvalidSpecError: the bytes are no UTF-8; names the place of the first that is not.
    """
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise InvalidSpecError(
            f"line {line} of the tovi.yaml is not UTF-8 text", why=f"byte {error.start} is 0x{text[error.start]:02x}"
        ) from error
