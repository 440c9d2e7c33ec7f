"""The SFTP door: moves bytes between a channel and the session that answers them in a thread.

The library's own SFTP server is not used: it works on the event loop, takes a lost connection for a CLOSE, and spends
more on a packet than the packet costs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from tovi_server.api import ManagerAPI
from tovi_server.core.errors import UsageError
from tovi_server.files.tree import Tree
from tovi_server.receivers.counter import Counter
from tovi_server.receivers.doors import Door, Pipes
from tovi_server.receivers.file_threads import FileThreads
from tovi_server.receivers.open_handles import OpenHandles
from tovi_server.receivers.sftp_packets import BadPacketError, Splitter
from tovi_server.receivers.sftp_session import SftpSession

OpenTree = Callable[[ManagerAPI], Awaitable[Tree]]
"""The caller's virtual tree, as things stand when the session opens."""

_PIECE_BYTES: Final = 256 * 1024


def sftp_door(open_tree: OpenTree, threads: FileThreads, counter: Counter, *, most_handles: int) -> Door:
    """Serves SFTP. `most_handles` are for all sessions of a user together, as `counter` counts."""

    async def serve(manager: ManagerAPI, pipes: Pipes, _: Sequence[str]) -> int:
        session = SftpSession(await open_tree(manager), most_handles=most_handles)
        handles = OpenHandles(counter, (await manager.me()).user, most=most_handles)
        try:
            await _converse(session, pipes, threads, handles)
        except BadPacketError as error:
            raise UsageError("this is not SFTP", why=str(error)) from error
        finally:
            try:
                await threads.run(session.close)
            finally:
                handles.release()
        return 0

    return serve


async def _converse(session: SftpSession, pipes: Pipes, threads: FileThreads, handles: OpenHandles) -> None:
    """Until the client has nothing more to say."""
    splitter = Splitter()
    while piece := await pipes.stdin.read(_PIECE_BYTES):
        session.add(splitter.feed(piece))
        while session.has_work:
            session.handles.most = await handles.reserve(session.may_open)
            replies = await threads.run(session.work)
            await pipes.stdout.drain()  # of what was sent before: the next replies are made while it is on its way
            pipes.stdout.write(replies)  # type: ignore[arg-type]  # a bytearray is as good, and a copy less
            for notice in session.notices():
                pipes.stderr.write(f"tovi: {notice}\n".encode())
        handles.keep(len(session.handles))
