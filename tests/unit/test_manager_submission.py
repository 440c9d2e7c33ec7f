"""What arrives with `submit` is sniffed and bounded, and a broken connection is never taken for its end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tovi_server.api import SubmitOptions
from tovi_server.core.errors import InvalidSpecError, UsageError
from tovi_server.manager.names import need_account_name, need_good_options
from tovi_server.manager.submission import arrive, read_yaml


async def _stream(*pieces: bytes, cut: bool = False) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    if cut:
        raise ConnectionError("the client went away")


async def test_all_bytes_are_still_there_after_the_first_look() -> None:
    pieces = [b"a" * 300, b"b" * 300, b"c" * 300]
    arrival = await arrive(_stream(*pieces))
    assert arrival.first == b"".join(pieces[:2])
    assert [piece async for piece in arrival.whole] == [b"".join(pieces[:2]), pieces[2]]


async def test_nothing_on_standard_input_is_told_with_a_way_out() -> None:
    with pytest.raises(InvalidSpecError) as refused:
        await arrive(_stream())
    assert "tovi.yaml" in refused.value.hint


async def test_a_yaml_of_more_than_a_mebibyte_is_refused_before_it_is_read_to_its_end() -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 65536
            yield b"#" * 65536

    with pytest.raises(InvalidSpecError, match="1 MiB"):
        await read_yaml((await arrive(endless())).whole)
    assert read <= 2 * 2**20


async def test_bytes_that_are_no_text_are_named_by_line() -> None:
    with pytest.raises(InvalidSpecError, match="line 2"):
        await read_yaml(_stream(b"run: x\n\xff\xfe"))


async def test_a_cut_connection_is_no_end() -> None:
    with pytest.raises(ConnectionError):
        await read_yaml((await arrive(_stream(b"run: x\n", cut=True))).whole)


@pytest.mark.parametrize(
    "options",
    [
        SubmitOptions(name="evil\x1b[2J"),
        SubmitOptions(name="two\nlines"),
        SubmitOptions(name="x" * 201),
        SubmitOptions(name=""),
        SubmitOptions(tags=("a\x07",)),
        SubmitOptions(tags=tuple("abcdefghijklmnopqrstuvwxyzABCDEFG")),
        SubmitOptions(note="\x1b]52;c;x\x07"),
        SubmitOptions(key="\u202e"),
    ],
)
def test_texts_that_could_hurt_a_terminal_are_refused(options: SubmitOptions) -> None:
    with pytest.raises(UsageError):
        need_good_options(options)


@pytest.mark.parametrize("name", ["ada", "_x", "a" * 32, "lens-survey_2"])
def test_good_account_names(name: str) -> None:
    need_account_name("user", name)


@pytest.mark.parametrize("name", ["", "Ada", "1a", "a" * 33, "a b", "a\n", "ädä", "../x", "-a", "a.b", "a\x00"])
def test_bad_account_names(name: str) -> None:
    with pytest.raises(UsageError):
        need_account_name("user", name)
