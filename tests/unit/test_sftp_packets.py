"""Packets of SFTP out of bytes, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_server.files.attributes import Attributes
from tovi_server.receivers import sftp_attributes, sftp_packets
from tovi_server.receivers.sftp_attributes import Wanted
from tovi_server.receivers.sftp_packets import LONGEST_PACKET, BadPacketError, Fields, Splitter, string, uint32, uint64


@given(st.lists(st.binary(min_size=1, max_size=50)), st.data())
def test_packets_come_out_whole_however_their_bytes_arrive(packets: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(string, packets))
    splitter, found = Splitter(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += [bytes(packet) for packet in splitter.feed(stream[:size])]
        stream = stream[size:]

    assert found == packets


@pytest.mark.parametrize("size", [0, LONGEST_PACKET + 1, 2**32 - 1])
def test_a_length_that_no_packet_can_have_ends_it(size: int) -> None:
    with pytest.raises(BadPacketError):
        Splitter().feed(uint32(size) + b"x")


def test_the_longest_packet_is_taken() -> None:
    (packet,) = Splitter().feed(string(bytes(LONGEST_PACKET)))

    assert len(packet) == LONGEST_PACKET


@pytest.mark.parametrize("packet", [b"", b"\0\0\0", uint32(5) + b"four"])
def test_a_field_that_is_not_all_there_is_refused(packet: bytes) -> None:
    with pytest.raises(BadPacketError):
        Fields(memoryview(packet)).string()


def test_a_piece_of_a_file_is_as_long_as_what_could_be_read() -> None:
    def fill(place: memoryview) -> int:
        place[:3] = b"abc"
        return 3

    packet = sftp_packets.data(7, 100, fill)

    assert packet == string(bytes([sftp_packets.Reply.DATA]) + uint32(7) + string(b"abc"))


def test_nothing_read_is_no_packet() -> None:
    assert sftp_packets.data(7, 100, lambda place: 0) is None


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        (uint32(0), Wanted()),
        (uint32(1) + uint64(9), Wanted(size=9)),
        (uint32(2) + uint32(0) + uint32(0), Wanted(owner=True)),
        (uint32(4) + uint32(0o106755), Wanted(mode=0o6755)),
        (uint32(8) + uint32(11) + uint32(22), Wanted(times=(11.0, 22.0))),
        (uint32(0x80000000) + uint32(1) + string(b"x@y") + string(b"z"), Wanted()),
    ],
)
def test_attributes_are_read_with_all_their_forms(fields: bytes, wanted: Wanted) -> None:
    assert sftp_attributes.read(Fields(memoryview(fields))) == wanted


@pytest.mark.parametrize("name", [b"\x1b]52;c;aGk=\x07", b"a\nb", "\u202egpj.exe".encode(), b"\xff\xfe"])
def test_a_long_name_has_nothing_for_a_terminal_to_obey(name: bytes) -> None:
    line = sftp_attributes.long_name(name, Attributes(0o100644, 5, 0.0, 0.0))

    assert line.isprintable()
    assert line.startswith("-rw-r--r--")


@pytest.mark.parametrize("at", [-1.0, 2.0**32, 1e300])
def test_times_that_the_protocol_cannot_say_are_the_nearest_it_can(at: float) -> None:
    found = sftp_attributes.encode(Attributes(0o100644, 5, at, at))

    assert found[-4:] in (uint32(0), uint32(2**32 - 1))
