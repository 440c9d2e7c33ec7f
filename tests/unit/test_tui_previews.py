"""The first bytes of a file as lines, whatever they are."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_tui.previews.image import PNG
from tovi_tui.previews.preview import preview, wants_whole
from tovi_tui.text.span import Line

NAMES = ("a.txt", "a.csv", "a.tsv", "a.json", "a.png", "a.zip", "a.tar", "a.tar.gz", "a.bin", "a")
MAGICS = (
    b"",
    PNG,
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"GIF89a",
    b"\xff\xd8\xff",
    b"x" * 257 + b"ustar",
    b"RIFF1234WEBP",
    b"{",
)


def text(lines: list[Line]) -> str:
    return "\n".join("".join(span.text for span in one) for one in lines)


def shown(name: str, data: bytes) -> str:
    return text(preview(name, data, len(data)))


@given(st.sampled_from(NAMES), st.sampled_from(MAGICS), st.binary(max_size=2000))
def test_any_bytes_under_any_name_have_a_preview(name: str, magic: bytes, data: bytes) -> None:
    lines = preview(name, magic + data, len(magic + data))
    assert len(lines) < 3000


def test_an_empty_file_says_so() -> None:
    assert shown("a", b"") == "it is empty"


def test_a_text_is_shown_line_by_line() -> None:
    assert shown("notes", "eins\n\tzwei ü\n".encode()) == "eins\n        zwei ü"


def test_a_table_has_its_columns_lined_up() -> None:
    assert shown("a.csv", b'name,size\n"a, b",7\n') == "name  size  \na, b  7     "


def test_json_is_laid_out_and_what_is_cut_is_shown_as_it_is() -> None:
    assert shown("a.json", b'{"a":[1]}') == '{\n  "a": [\n    1\n  ]\n}'
    assert shown("a.json", b'{"a":[1') == '{"a":[1'


def test_bytes_are_shown_as_numbers_and_letters() -> None:
    assert shown("a", b"\x00\x01AB").endswith("00 01 41 42                                     ..AB")


def _png(width: int, height: int, rows: list[bytes], kind: int = 2) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"".join(rows))) + chunk(b"IEND", b"")


RED, BLUE = b"\xff\x00\x00", b"\x00\x00\xff"


@pytest.mark.parametrize(
    "second",
    [
        b"\x00" + BLUE + BLUE,
        b"\x01" + BLUE + b"\x00\x00\x00",  # as left of it
        b"\x02" + b"\x01\x00\xff" * 2,  # as above it
        b"\x03" + b"\x81\x00\xff" + b"\x81\x00\x80",  # as the mean of both
        b"\x04" + b"\x01\x00\xff" + b"\x00\x00\x00",  # as Paeth predicts
    ],
)
def test_a_png_is_two_pixels_in_each_cell_by_every_filter(second: bytes) -> None:
    lines = preview("a.png", _png(2, 2, [b"\x00" + RED + RED, second]), 100)
    assert text(lines) == "a PNG image, 2 × 2\n▀▀"
    inks = [span.ink for span in lines[1]]
    assert [(ink.foreground, ink.background) for ink in inks if ink] == [((255, 0, 0), (0, 0, 255))] * 2


def test_a_png_that_claims_to_be_huge_costs_nothing() -> None:
    assert shown("a.png", _png(60_000, 60_000, [b"\x00"])) == "a PNG image, 60000 × 60000"


def test_a_png_that_ends_early_says_so() -> None:
    assert "not whole" in shown("a.png", _png(10, 10, [b"\x00" + bytes(30)]))


@pytest.mark.parametrize(
    ("data", "told"), [(b"GIF89a\x20\x00\x10\x00", "a GIF image, 32 × 16"), (b"\xff\xd8\xff\xe0", "a JPEG image")]
)
def test_other_images_are_named(data: bytes, told: str) -> None:
    assert shown("a.bin", data) == told


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, size in (("code/train.py", 2000), ("code/empty", 0)):
            member = tarfile.TarInfo(name)
            member.size = size
            tar.addfile(member, io.BytesIO(bytes(size)))
    return buffer.getvalue()


def test_archives_are_listed() -> None:
    assert [line.split()[-1] for line in shown("a.tar", _tar()).splitlines()[:2]] == ["code/train.py", "code/empty"]
    assert "2 files" in shown("a.tar", _tar())
    assert shown("a.tar.gz", gzip.compress(_tar())) == shown("a.tar", _tar())


def test_a_zip_is_listed() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "hello")
        archive.writestr("b/c.txt", "x" * 100)
    assert shown("a.zip", buffer.getvalue()).split() == [
        "5",
        "B",
        "a.txt",
        "100",
        "B",
        "b/c.txt",
        *["2", "files", "in", "its", "first", "part"],
    ]


def test_a_bomb_is_unpacked_a_little_way_only() -> None:
    assert "0 files" in shown("a.tar.gz", gzip.compress(bytes(50 * 2**20)))


def test_only_small_images_are_wanted_whole() -> None:
    assert wants_whole("a.PNG", 1000)
    assert not wants_whole("a.png", 10**9)
    assert not wants_whole("a.txt", 10)
