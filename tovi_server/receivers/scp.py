"""The door for old scp: `scp -t` and `scp -f`, as `scp -O`, programs and devices without SFTP start them."""

from __future__ import annotations

from collections.abc import Sequence

from tovi_server.api import ManagerAPI
from tovi_server.core.errors import UsageError
from tovi_server.files.tree import Tree
from tovi_server.receivers import scp_protocol, scp_words
from tovi_server.receivers.counter import Counter
from tovi_server.receivers.doors import Door, Pipes
from tovi_server.receivers.file_threads import FileThreads
from tovi_server.receivers.open_handles import OpenHandles
from tovi_server.receivers.scp_protocol import BadLineError
from tovi_server.receivers.scp_sink import Sink
from tovi_server.receivers.scp_source import Source
from tovi_server.receivers.scp_wire import OverError, ScpWire
from tovi_server.receivers.scp_words import ScpCall
from tovi_server.receivers.sftp import OpenTree


def scp_door(open_tree: OpenTree, threads: FileThreads, counter: Counter, *, most_handles: int) -> Door:
    """Serves one scp. Whatever goes wrong is told in the protocol, which clients show, and makes the status 1."""

    async def serve(manager: ManagerAPI, pipes: Pipes, words: Sequence[str]) -> int:
        wire = ScpWire(pipes)
        handles = OpenHandles(counter, (await manager.me()).user, most=most_handles)
        try:
            call = scp_words.read(words)
            failed = await _run(call, await open_tree(manager), threads, wire, handles)
        except (UsageError, BadLineError) as error:
            what = error.what if isinstance(error, UsageError) else str(error)
            await wire.send(scp_protocol.problem(what, is_over=True))
            return 1
        except OverError:
            return 1
        finally:
            handles.release()
        return 1 if failed else 0

    return serve


async def _run(call: ScpCall, tree: Tree, threads: FileThreads, wire: ScpWire, handles: OpenHandles) -> bool:
    """Whether something went wrong."""
    if call.takes:
        sink = Sink(tree, threads, wire)
        await sink.take(call)
        return sink.failed
    source = Source(tree, threads, wire, handles)
    await source.give(call)
    return source.failed
