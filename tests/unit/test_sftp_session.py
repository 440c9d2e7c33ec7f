"""An SFTP session, packet by packet, on a real tree in a temporary folder."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tovi_server.core import views
from tovi_server.core.access import Role
from tovi_server.files.datadir import DataDir
from tovi_server.files.tree import Tree
from tovi_server.receivers.sftp_open import APPEND, CREATE, EXCLUSIVE, READ, TRUNCATE, WRITE
from tovi_server.receivers.sftp_packets import (
    LONGEST_DATA,
    BadPacketError,
    Fields,
    Reply,
    Request,
    Splitter,
    string,
    uint32,
    uint64,
)
from tovi_server.receivers.sftp_session import SftpSession
from tovi_server.receivers.sftp_status import Status

NOTHING = uint32(0)
"""Attributes of which none is set."""
SIZE, MODE, TIMES = uint32(1), uint32(4), uint32(8)
NEW = WRITE | CREATE | TRUNCATE


@dataclass
class Client:
    """One that waits for each answer."""

    session: SftpSession
    home: Path

    def ask(self, kind: int, *asked: bytes) -> tuple[int, bytes]:
        """The kind of the reply, and what follows the id."""
        self.session.add([memoryview(bytes([kind]) + uint32(7) + b"".join(asked))])
        replies = b""
        while self.session.has_work:
            replies += self.session.work()
        (reply,) = Splitter().feed(replies)
        fields = Fields(reply)
        answered, request_id = fields.byte(), fields.uint32()
        assert request_id == 7
        return answered, bytes(reply[5:])

    def status(self, kind: int, *fields: bytes) -> int:
        reply, body = self.ask(kind, *fields)
        assert reply == Reply.STATUS
        return int.from_bytes(body[:4], "big")

    def open(self, name: bytes, flags: int, attributes: bytes = NOTHING) -> bytes:
        """The handle, as it goes into other packets."""
        reply, handle = self.ask(Request.OPEN, string(name), uint32(flags), attributes)
        assert reply == Reply.HANDLE, handle
        return handle

    def write(self, handle: bytes, offset: int, data: bytes) -> int:
        return self.status(Request.WRITE, handle, uint64(offset), string(data))

    def read(self, handle: bytes, offset: int, size: int) -> bytes:
        """Nothing at the end of the file."""
        reply, body = self.ask(Request.READ, handle, uint64(offset), uint32(size))
        return Fields(memoryview(body)).string() if reply == Reply.DATA else b""

    def close(self, handle: bytes) -> int:
        return self.status(Request.CLOSE, handle)

    def put(self, name: bytes, data: bytes) -> None:
        handle = self.open(name, NEW)
        assert (self.write(handle, 0, data), self.close(handle)) == (Status.OK, Status.OK)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    data = DataDir.create(tmp_path / "data")
    data.create_project("lab")
    data.create_home("alice")
    me = views.Me(user="alice", admin=False, key="", project="lab", projects={"lab": Role.MEMBER})
    session = SftpSession(Tree(data, me, authorized_keys=b""), most_handles=8)
    session.handles.most = 8
    session.add([memoryview(bytes([Request.INIT]) + uint32(3))])
    session.work()
    yield Client(session, data.path("home", "alice"))
    session.close()
    data.close()


def test_a_file_is_there_when_it_is_closed_and_not_before(client: Client) -> None:
    handle = client.open(b"/home/new", NEW)
    client.write(handle, 0, b"whole")
    before = (client.home / "new").exists()

    assert client.close(handle) == Status.OK
    assert (before, (client.home / "new").read_bytes()) == (False, b"whole")


def test_a_file_that_was_not_closed_is_not_there_when_the_client_is_gone(client: Client) -> None:
    (client.home / "old").write_bytes(b"old")
    for name in (b"/home/new", b"/home/old"):
        client.write(client.open(name, NEW), 0, b"partial")

    client.session.close()

    assert not (client.home / "new").exists()
    assert (client.home / "old").read_bytes() == b"old"


def test_what_was_not_closed_can_be_gone_on_with(client: Client) -> None:
    client.write(client.open(b"/home/new", NEW), 0, b"first ")
    client.session.close()

    kind, attributes = client.ask(Request.STAT, string(b"/home/new"))
    handle = client.open(b"/home/new", WRITE | CREATE)
    client.write(handle, 6, b"second")
    client.close(handle)

    assert (kind, attributes[4:12]) == (Reply.ATTRS, uint64(6))
    assert (client.home / "new").read_bytes() == b"first second"


def test_who_begins_again_keeps_nothing_of_what_was_not_closed(client: Client) -> None:
    client.write(client.open(b"/home/new", NEW), 0, b"a long first try")
    client.session.close()

    handle = client.open(b"/home/new", WRITE | CREATE)
    client.write(handle, 0, b"second")
    client.close(handle)

    assert (client.home / "new").read_bytes() == b"second"


def test_an_upload_that_goes_on_elsewhere_cannot_be_gone_on_with_but_begun_anew(client: Client) -> None:
    client.write(client.open(b"/home/new", NEW), 0, b"still coming")

    late = client.open(b"/home/new", WRITE | CREATE)
    refused = client.write(late, 5, b"more"), client.close(late)
    there = (client.home / "new").exists()
    anew = client.open(b"/home/new", WRITE | CREATE)
    client.write(anew, 0, b"anew")
    client.close(anew)

    assert (refused, there) == ((Status.FAILURE, Status.FAILURE), False)
    assert (client.home / "new").read_bytes() == b"anew"


def test_a_file_that_could_not_be_written_whole_is_not_there(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients close a file also after an error."""
    handle = client.open(b"/home/new", NEW)
    client.write(handle, 0, b"first")
    monkeypatch.setattr("tovi_server.files.upload.os.pwrite", _fail)
    refused = client.write(handle, 5, b"second"), client.close(handle)

    assert refused == (Status.FAILURE, Status.FAILURE)
    assert not (client.home / "new").exists()


def _fail(*_: object) -> int:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_without_create_there_must_be_something_to_go_on_with(client: Client) -> None:
    assert client.status(Request.OPEN, string(b"/home/none"), uint32(WRITE), NOTHING) == Status.NO_SUCH_FILE
    assert client.status(Request.OPEN, string(b"/home/none"), uint32(WRITE | TRUNCATE), NOTHING) == Status.NO_SUCH_FILE

    client.write(client.open(b"/home/new", NEW), 0, b"first ")
    client.session.close()
    handle = client.open(b"/home/new", WRITE)

    assert client.read(handle, 0, 100) == b"first "


def test_a_whole_file_is_changed_in_its_place(client: Client) -> None:
    client.put(b"/home/file", b"0123456789")
    handle = client.open(b"/home/file", WRITE | READ)
    client.write(handle, 4, b"xx")

    assert (client.home / "file").read_bytes() == b"0123xx6789"
    assert client.read(handle, 3, 4) == b"3xx6"


def test_a_whole_file_that_is_written_from_its_beginning_stays_until_the_close(client: Client) -> None:
    client.put(b"/home/file", b"0123456789")
    handle = client.open(b"/home/file", WRITE | CREATE)
    client.write(handle, 0, b"new")
    before = (client.home / "file").read_bytes()
    seen = client.read(handle, 0, 3), client.ask(Request.FSTAT, handle)[1][4:12]
    client.close(handle)

    assert (before, seen) == (b"0123456789", (b"new", uint64(10)))
    assert (client.home / "file").read_bytes() == b"new3456789"


def test_what_is_cut_off_of_a_rewritten_file_is_gone_at_the_close(client: Client) -> None:
    client.put(b"/home/file", b"0123456789")
    handle = client.open(b"/home/file", WRITE | CREATE)
    client.write(handle, 0, b"new")
    client.status(Request.FSETSTAT, handle, SIZE, uint64(5))
    before = (client.home / "file").read_bytes()
    client.close(handle)

    assert (before, (client.home / "file").read_bytes()) == (b"0123456789", b"new34")


def test_a_rewritten_file_may_be_written_in_any_order_after_its_beginning(client: Client) -> None:
    client.put(b"/home/file", b"0123456789")
    handle = client.open(b"/home/file", READ | WRITE | CREATE)
    client.write(handle, 0, b"a")
    client.write(handle, 8, b"bcd")
    client.write(handle, 4, b"e")
    seen = client.read(handle, 0, 100)
    client.close(handle)

    assert seen == (client.home / "file").read_bytes() == b"a123e567bcd"


def test_a_file_that_is_first_written_elsewhere_is_changed_in_its_place(client: Client) -> None:
    client.put(b"/home/file", b"0123456789")
    handle = client.open(b"/home/file", WRITE | CREATE)
    client.write(handle, 4, b"xx")
    client.write(handle, 0, b"y")

    assert (client.home / "file").read_bytes() == b"y123xx6789"


def test_a_rewritten_file_stays_as_it_was_when_the_client_goes(client: Client) -> None:
    client.put(b"/home/file", b"old")
    client.write(client.open(b"/home/file", WRITE | CREATE), 0, b"new")

    client.session.close()

    assert (client.home / "file").read_bytes() == b"old"


@pytest.mark.parametrize("room", [1, 300_000], ids=["just-begun", "half-done"])
def test_a_client_that_goes_within_a_long_close_leaves_nothing_open(client: Client, room: int) -> None:
    """`room` is what the turn in which the close begins has left for it."""
    old = bytes(3 << 20)
    client.put(b"/home/file", old)
    before = open_descriptors()
    handle = client.open(b"/home/file", WRITE | CREATE)
    client.write(handle, 0, b"new")
    unknown = bytes([99]) + uint32(7)
    client.session.add([memoryview(unknown)])
    reply = client.session.work()
    padded = unknown + bytes(max(0, 256 * 1024 - len(reply) - len(unknown) - room))
    client.session.add([memoryview(padded), memoryview(bytes([Request.CLOSE]) + uint32(7) + handle)])
    client.session.work()
    assert client.session.has_work

    client.session.close()

    assert (client.home / "file").read_bytes() == old
    assert open_descriptors() == before


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_appending_ignores_where_the_client_thinks_the_end_is(client: Client) -> None:
    client.put(b"/home/file", b"0123")
    handle = client.open(b"/home/file", WRITE | CREATE | APPEND)
    client.write(handle, 0, b"45")
    client.write(handle, 0, b"67")

    assert (client.home / "file").read_bytes() == b"01234567"


def test_an_exclusive_file_must_be_new(client: Client) -> None:
    client.put(b"/home/file", b"there")

    refused = client.status(Request.OPEN, string(b"/home/file"), uint32(NEW | EXCLUSIVE), NOTHING)

    assert refused == Status.FAILURE


def test_mode_and_times_wait_for_the_close(client: Client) -> None:
    handle = client.open(b"/home/run.sh", NEW, MODE + uint32(0o4755))
    client.status(Request.FSETSTAT, handle, TIMES + uint32(11) + uint32(22))
    client.status(Request.SETSTAT, string(b"home/./run.sh"), SIZE + uint64(3))
    client.close(handle)

    found = (client.home / "run.sh").stat()
    assert (found.st_mode & 0o7777, found.st_mtime, found.st_size) == (0o755, 22, 3)


def test_bytes_after_the_last_field_are_ignored_as_openssh_does(client: Client) -> None:
    handle = client.open(b"/home/new", NEW)

    status = client.status(Request.WRITE, handle, uint64(0), string(b"data"), b"and more")

    assert (status, client.close(handle), (client.home / "new").read_bytes()) == (Status.OK, Status.OK, b"data")


def test_one_read_gives_at_most_a_quarter_of_a_mebibyte(client: Client) -> None:
    client.put(b"/home/big", b"")
    os.truncate(client.home / "big", 10 << 20)

    content = client.read(client.open(b"/home/big", READ), 0, 2**32 - 1)

    assert len(content) == LONGEST_DATA


@pytest.mark.parametrize("offset", [2**43, 2**63 - 1, 2**63, 2**64 - 1])
def test_offsets_beyond_all_files_are_refused(client: Client, offset: int) -> None:
    client.put(b"/home/file", b"x")
    new, old = client.open(b"/home/new", NEW), client.open(b"/home/file", WRITE | READ)

    assert client.write(new, offset, b"x") == Status.FAILURE
    assert client.write(old, offset, b"x") == Status.FAILURE
    assert client.status(Request.READ, old, uint64(offset), uint32(1)) in (Status.FAILURE, Status.EOF)
    for handle in (new, old):
        assert client.status(Request.FSETSTAT, handle, SIZE, uint64(offset)) == Status.FAILURE
    assert client.status(Request.SETSTAT, string(b"/home/file"), SIZE, uint64(offset)) == Status.FAILURE
    assert (client.home / "file").stat().st_size == 1


@pytest.mark.parametrize("kind", [kind for kind in Request if kind not in (Request.INIT, Request.EXTENDED)])
def test_a_packet_that_is_cut_short_is_a_bad_message_and_no_more(client: Client, kind: Request) -> None:
    assert client.status(kind, b"\0\0") == Status.BAD_MESSAGE
    assert client.ask(Request.STAT, string(b"/home"))[0] == Reply.ATTRS


def test_unknown_requests_are_said_to_be_unsupported(client: Client) -> None:
    assert client.status(99) == Status.OP_UNSUPPORTED
    assert client.status(Request.EXTENDED, string(b"nothing@example.com")) == Status.OP_UNSUPPORTED


def test_unknown_handles_are_failures(client: Client) -> None:
    handle = client.open(b"/home/new", NEW)
    client.close(handle)

    assert client.close(handle) == Status.FAILURE
    assert client.write(handle, 0, b"late") == Status.FAILURE


def test_no_more_is_opened_than_allowed(client: Client) -> None:
    handles = [client.open(b"/home/%d" % number, NEW) for number in range(8)]

    assert client.status(Request.OPEN, string(b"/home/9"), uint32(NEW), NOTHING) == Status.FAILURE
    assert client.status(Request.OPENDIR, string(b"/home")) == Status.FAILURE
    client.close(handles[0])
    client.open(b"/home/9", NEW)


def test_a_change_of_owner_alone_is_refused_and_among_others_ignored(client: Client) -> None:
    client.put(b"/home/file", b"x")
    owner = uint32(0) + uint32(0)

    assert client.status(Request.SETSTAT, string(b"/home/file"), uint32(2) + owner) == Status.PERMISSION_DENIED
    assert client.status(Request.SETSTAT, string(b"/home/file"), uint32(6) + owner + uint32(0o600)) == Status.OK


@pytest.mark.parametrize(
    ("path", "real"),
    [(b"", b"/"), (b".", b"/"), (b"home/../datasets//x/.", b"/datasets/x"), (b"../../etc", b"/etc")],
)
def test_real_paths_end_at_the_top(client: Client, path: bytes, real: bytes) -> None:
    kind, body = client.ask(Request.REALPATH, string(path))

    assert (kind, Fields(memoryview(body[4:])).string()) == (Reply.NAME, real)


def test_a_long_list_comes_in_parts(client: Client) -> None:
    for number in range(300):
        (client.home / f"{number}").touch()
    _, handle = client.ask(Request.OPENDIR, string(b"/home"))

    counts = []
    while (reply := client.ask(Request.READDIR, handle))[0] == Reply.NAME:
        counts.append(int.from_bytes(reply[1][:4], "big"))

    assert (counts, int.from_bytes(reply[1][:4], "big")) == ([128, 128, 44], Status.EOF)


def test_the_limits_are_told_as_they_are(client: Client) -> None:
    kind, told = client.ask(Request.EXTENDED, string(b"limits@openssh.com"))
    packet, read, write, handles = (int.from_bytes(told[at : at + 8], "big") for at in range(0, 32, 8))

    assert (kind, packet, read, write, handles) == (Reply.EXTENDED, 256 * 1024, LONGEST_DATA, LONGEST_DATA, 8)


def test_a_copy_is_made_on_the_server(client: Client) -> None:
    content = os.urandom(3 * LONGEST_DATA + 5)
    (client.home / "from").write_bytes(content)
    source, target = client.open(b"/home/from", READ), client.open(b"/home/to", NEW)

    copied = client.status(Request.EXTENDED, string(b"copy-data"), source, uint64(10), uint64(0), target, uint64(0))
    client.close(target)

    assert (copied, (client.home / "to").read_bytes()) == (Status.OK, content[10:])


def test_a_copy_into_itself_is_refused(client: Client) -> None:
    client.put(b"/home/file", b"x")
    source, target = client.open(b"/home/file", READ), client.open(b"/home/file", WRITE)

    assert (
        client.status(Request.EXTENDED, string(b"copy-data"), source, uint64(0), uint64(0), target, uint64(1))
        == Status.FAILURE
    )


def test_a_refusal_in_words_is_for_the_person_too_and_once(client: Client) -> None:
    for _ in range(3):
        client.status(Request.MKDIR, string(b"/jobs/12"), NOTHING)
        client.status(Request.STAT, string(b"/home/none"))
    client.status(Request.OPEN, string(b"/home/a\nb"), uint32(NEW), NOTHING)

    assert client.session.notices() == ["names with control characters or line breaks are refused"]
    assert client.session.notices() == []


def test_a_client_that_does_not_begin_with_init_is_sent_away(tmp_path: Path) -> None:
    data = DataDir.create(tmp_path / "data")
    me = views.Me(user="alice", admin=False, key="", project="lab", projects={})
    session = SftpSession(Tree(data, me, authorized_keys=b""), most_handles=8)
    session.add([memoryview(bytes([Request.OPENDIR]) + uint32(1) + string(b"/"))])

    with pytest.raises(BadPacketError):
        session.work()
    data.close()
