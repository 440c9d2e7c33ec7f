"""The first bytes of a file as lines, whatever they are."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_server.core.safe import safe_line
from tovi_tui.previews import png, zips
from tovi_tui.previews.png import MAGIC as PNG
from tovi_tui.previews.preview import IMAGE_BYTES, Sample, is_zip, preview, wants_whole
from tovi_tui.text.span import Colour, Line

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


def lines_of(name: str, data: bytes, *, size: int | None = None) -> list[Line]:
    """As the screen asks for it; with a size it is only the first part."""
    sample = Sample(name, len(data) if size is None else size, data)
    if is_zip(sample):
        try:
            start, length = zips.directory_part(data[-zips.TAIL_BYTES :], len(data))
        except ValueError:
            return list(preview(sample))
        sample = replace(sample, directory=data[start : start + length], directory_bytes=length)
    return list(preview(sample))


def shown(name: str, data: bytes, *, size: int | None = None) -> str:
    return text(lines_of(name, data, size=size))


def a_png(width: int, height: int, raw: bytes, *, kind: int = 2, depth: int = 8, more: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return PNG + a_chunk(b"IHDR", header) + more + a_chunk(b"IDAT", zlib.compress(raw)) + a_chunk(b"IEND", b"")


def a_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def a_zip(files: int = 2) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.mkdir("b")
        for index in range(files):
            archive.writestr(f"b/{index}.txt", "x" * 10 * index)
    return buffer.getvalue()


def a_tar(*names: str, form: int = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name in names or ("code/train.py", "code/empty"):
            member = tarfile.TarInfo(name)
            member.size = 0 if name.endswith("empty") else 2000
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    return buffer.getvalue()


WHOLE = (
    a_png(3, 3, b"\x04" + bytes(9) + b"\x03" + bytes(9) + b"\x01" + bytes(9)),
    a_png(4, 2, b"\x00" + bytes(4) + b"\x02" + bytes(4), kind=3, more=a_chunk(b"PLTE", bytes(9))),
    a_png(2, 2, bytes(2 * (1 + 2 * 8)), kind=6, depth=16),
    a_zip(),
    a_tar(),
    gzip.compress(a_tar()),
    b'{"a": ["\\ud800\\u001b[2J", 1, NaN]}',
    "a,b\n\u202e,\x1b[0m\n".encode(),
    bytes.fromhex("ffd8ffe00004414affc0000b08001000200301"),
    b"RIFF1234WEBPVP8X" + bytes(14),
    b"RIFF1234WEBPVP8L" + bytes(9),
    b"RIFF1234WEBPVP8 " + bytes(14),
)


def check_harmless(lines: list[Line]) -> None:
    assert len(lines) < 1500
    for one in lines:
        for span in one:
            assert span.text == safe_line(span.text)


@given(st.sampled_from(NAMES), st.sampled_from(MAGICS), st.binary(max_size=2000), st.sampled_from([0, 10**9]))
def test_any_bytes_under_any_name_have_a_harmless_preview(name: str, magic: bytes, data: bytes, more: int) -> None:
    check_harmless(lines_of(name, magic + data, size=len(magic + data) + more))


@given(st.sampled_from(NAMES), st.sampled_from(WHOLE), st.data())
def test_a_file_with_some_bytes_changed_or_cut_has_a_harmless_preview(
    name: str, whole: bytes, data: st.DataObject
) -> None:
    changed = bytearray(whole)
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=4)):
        changed[at] = byte
    check_harmless(lines_of(name, bytes(changed[: data.draw(st.integers(1, len(whole)))])))


@given(st.sampled_from(NAMES), st.text(max_size=500))
def test_any_text_has_a_harmless_preview(name: str, words: str) -> None:
    check_harmless(lines_of(name, words.encode(errors="surrogatepass")))


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
    lines = lines_of("a.png", a_png(2, 2, b"\x00" + RED + RED + second))
    assert text(lines) == "a PNG image, 2 × 2\n▀▀"
    assert inks(lines[1]) == [((255, 0, 0), (0, 0, 255))] * 2


def inks(one: Line) -> list[tuple[Colour | None, Colour | None]]:
    return [(span.ink.foreground, span.ink.background) for span in one if span.ink]


@pytest.mark.parametrize(
    ("kind", "depth", "row"),
    [
        (0, 8, b"\x07"),
        (4, 8, b"\x07\xff"),
        (6, 8, b"\x07\x07\x07\xff"),
        (2, 16, b"\x07\x01\x07\x02\x07\x03"),
        (0, 16, b"\x07\x09"),
        (3, 8, b"\x01"),
    ],
)
def test_every_common_kind_of_png_is_drawn(kind: int, depth: int, row: bytes) -> None:
    palette = a_chunk(b"PLTE", bytes(3) + b"\x07\x07\x07")
    lines = lines_of("a.png", a_png(1, 1, b"\x00" + row, kind=kind, depth=depth, more=palette))
    assert inks(lines[1]) == [((7, 7, 7), None)]


def test_a_large_png_is_drawn_small() -> None:
    lines = lines_of("a.png", a_png(600, 3000, bytes(3000 * 1801)))
    assert len(lines) == 1 + 60
    assert {len(one) for one in lines[1:]} == {24}


@pytest.mark.parametrize(
    "data",
    [
        a_png(60_000, 60_000, b"\x00"),
        a_png(10, 10, bytes(10), depth=1),
        a_png(0, 10, b""),
        a_png(10**6, 1, bytes(10**6 * 3 + 1)),
    ],
)
def test_what_is_too_large_or_rare_is_told_by_its_size(data: bytes) -> None:
    assert len(lines_of("a.png", data)) == 1


def test_a_png_of_which_only_a_part_was_read_is_told_by_its_size() -> None:
    assert shown("a.png", a_png(10, 10, bytes(310)), size=10**7) == "a PNG image, 10 × 10"


def test_a_png_that_ends_early_says_so() -> None:
    assert "not whole" in shown("a.png", a_png(10, 10, b"\x00" + bytes(30)))


def test_a_png_that_costs_much_is_drawn_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "_MOST_STEPS", 30 * 5)
    lines = lines_of("a.png", a_png(10, 10, (b"\x04" + bytes(30)) * 10))
    assert [len(one) for one in lines[1:3]] == [10, 10]
    assert "takes too long" in text(lines[3:4])


def test_a_png_is_drawn_line_by_line() -> None:
    lines = preview(Sample("a.png", 1, a_png(10, 10, (b"\x00" + bytes(30)) * 4)))
    assert [len(next(lines)) for _ in range(3)] == [1, 10, 10]


JPEG = bytes.fromhex("ffd8 ffe0 0004 414a ff ffc2 000b 08 0010 0020 03 01")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"GIF89a\x20\x00\x10\x00", "a GIF image, 32 × 16"),
        (b"GIF89a", "a GIF image"),
        (JPEG, "a JPEG image, 32 × 16"),
        (JPEG[:-7], "a JPEG image"),
        (b"RIFF1234WEBPVP8X" + bytes(8) + b"\x1f\x00\x00\x0f\x00\x00", "a WebP image, 32 × 16"),
        (b"RIFF1234WEBPVP8L" + bytes(5) + (31 | 15 << 14).to_bytes(4, "little"), "a WebP image, 32 × 16"),
        (b"RIFF1234WEBPVP8 " + bytes(10) + b"\x20\x00\x10\x00", "a WebP image, 32 × 16"),
        (b"RIFF1234WEBP", "a WebP image"),
    ],
)
def test_other_images_are_told_by_their_size(data: bytes, told: str) -> None:
    assert shown("a.bin", data) == told


def names(listing: str) -> list[str]:
    return [one.split()[-1] for one in listing.splitlines()[:-1]]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_is_listed(form: int) -> None:
    listing = shown("a.tar", a_tar(form=form))
    assert names(listing) == ["code/train.py", "code/empty"]
    assert listing.endswith("2 files")
    assert "2 KiB" in listing
    assert shown("a.tar.gz", gzip.compress(a_tar())) == shown("a.tar", a_tar())


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_in_a_tar_are_whole(form: int) -> None:
    long = f"{'folder/' * 20}a.txt"
    assert names(shown("a.tar", a_tar(long, "b.txt", form=form))) == [long, "b.txt"]


def test_of_a_part_of_a_tar_is_listed_what_is_in_it() -> None:
    whole = a_tar("a", "b", "c")
    assert shown("a.tar", whole[:3100], size=len(whole)).endswith("2 files, and maybe more")


def test_a_zip_is_listed_from_its_end() -> None:
    listing = shown("a.bin", a_zip())
    assert names(listing) == ["b/0.txt", "b/1.txt"]
    assert listing.endswith("2 files")


def test_a_zip_behind_something_else_and_with_a_comment_is_listed() -> None:
    data = a_zip()
    start, length = zips.directory_part(data[-40:] + b"comment", len(data) + 1007)
    assert start == 1000 + data.index(b"PK\x01\x02")
    assert [name for name, _ in zips.files(data[start - 1000 :][:length])] == ["b/0.txt", "b/1.txt"]


def test_a_zip_with_many_files_says_that_there_are_more() -> None:
    assert shown("a.zip", a_zip(600)).endswith("500 files, and maybe more")


def test_a_zip_without_a_directory_is_bytes() -> None:
    assert "50 4b 03 04" in shown("a.zip", b"PK\x03\x04" + bytes(100))


def test_a_bomb_is_unpacked_a_little_way_only() -> None:
    assert "0 files, and maybe more" in shown("a.tar.gz", gzip.compress(bytes(50 * 2**20)))


def test_only_small_images_are_wanted_whole() -> None:
    assert wants_whole(Sample("a", IMAGE_BYTES, PNG))
    assert not wants_whole(Sample("a", IMAGE_BYTES + 1, PNG))
    assert not wants_whole(Sample("a.png", 100_000, b"no"))


def test_what_is_cut_ends_with_a_whole_line_and_says_so() -> None:
    assert shown("a.txt", b"eins\nzw", size=2048) == "eins\n… of the first 7 B of 2 KiB"
    assert shown("a.csv", b"a,b\n1,2\n1,", size=2048) == "a  b  \n1  2  \n… of the first 10 B of 2 KiB"


def test_many_lines_say_how_many_are_left_out() -> None:
    assert shown("a.txt", b"x\n" * 1500).endswith("\n… 500 lines more")


def test_escapes_are_shown() -> None:
    assert shown("a.txt", b"\x1b[31mred\x1b[0m") == "\\x1b[31mred\\x1b[0m"


def test_json_that_grows_by_its_nesting_stays_small() -> None:
    lines = lines_of("a.json", b"[" * 150 + b"1," * 20_000 + b"1" + b"]" * 150)
    assert len(lines) <= 1002
