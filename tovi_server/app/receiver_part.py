"""A receiver process: the manager behind SSH, on sockets that it shares with the other receivers."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

from scheduler.plan import plan
from scheduler.planning import plan_anyway
from scheduler.policies.protocols import Policies
from scheduler.policies.watch import PolicyWatch
from scheduler.snapshot import Snapshot
from tovi_cli.main import make_run_command
from tovi_cli.welcome import welcome
from tovi_server.api import ManagerAPI
from tovi_server.app.foundations import Foundations, open_foundations
from tovi_server.app.link import Link
from tovi_server.app.start import Start
from tovi_server.core import views
from tovi_server.files.shared import SharedFiles
from tovi_server.files.tree import Tree
from tovi_server.manager.manager import Manager
from tovi_server.manager.ports import Planner
from tovi_server.manager.settings import Images, ManagerSettings
from tovi_server.manager.watch import ChangeFeed
from tovi_server.receivers import host_keys
from tovi_server.receivers.api_channel import serve_api
from tovi_server.receivers.counter import Counter
from tovi_server.receivers.counter_link import RemoteCounter
from tovi_server.receivers.doors import Doors, Pipes
from tovi_server.receivers.file_threads import FileThreads
from tovi_server.receivers.scp import scp_door
from tovi_server.receivers.settings import ReceiverSettings
from tovi_server.receivers.sftp import sftp_door
from tovi_server.receivers.ssh_server import SshReceiver
from tovi_server.receivers.tui_host import TuiHost
from tovi_server.receivers.tui_zygote import TuiZygote
from tovi_server.settings import ExecutorKind, ExecutorSettings

_TUI: Final = (sys.executable, "-X", "utf8", "-m", "tovi_tui.zygote")
"""A program, and not a fork: it is to have nothing of the server's."""


async def run(start: Start, link: Link, counting: socket.socket, sockets: Sequence[socket.socket]) -> None:
    """Serve on `sockets` until told to end; who counts connections is at the other end of `counting`."""
    async with open_foundations(start.data, start.settings) as base:
        counter = await RemoteCounter.connect(counting)
        changes = ChangeFeed(base.jobs)
        policies = PolicyWatch(base.policy_file, check=_try_out)
        manager = _manager(
            base,
            changes,
            lambda snapshot: plan_anyway(snapshot, policies.current()).reasons,
            port=start.settings.server.port or sockets[0].getsockname()[1],
        )
        zygote = TuiZygote(_TUI, user=start.settings.server.tui_user)
        await zygote.start()
        receivers = [_receiver(base, manager, counter, zygote) for _ in sockets]
        async with asyncio.TaskGroup() as group:
            serving = [
                group.create_task(receiver.serve(sock)) for receiver, sock in zip(receivers, sockets, strict=True)
            ]
            others = [
                group.create_task(work)
                for work in (
                    changes.run(),
                    policies.run(),
                    base.listen(changes.hint),
                    base.watch_database(),
                    zygote.warm(),
                )
            ]
            link.ready()
            await link.told_to_end()
            grace_s = start.settings.server.drain.total_seconds()
            await asyncio.gather(*(receiver.drain(grace_s) for receiver in receivers))
            await asyncio.wait(serving)
            for task in others:
                task.cancel()
            await zygote.close()


async def _try_out(policies: Policies) -> None:
    plan(Snapshot((), (), ()), policies)


def _manager(base: Foundations, changes: ChangeFeed, planner: Planner, *, port: int) -> Manager:
    settings = base.settings
    keys = host_keys.public_lines(base.host_keys)

    def told() -> None:
        changes.hint()
        base.bell.ring()

    return Manager(
        base.jobs,
        base.accounts,
        SharedFiles(base.data, limits=settings.submissions),
        settings=ManagerSettings(
            server=views.ServerInfo(settings.server.name or socket.gethostname(), version("tovi"), port, keys),
            most_tasks=settings.submissions.most_tasks,
            queues=settings.scheduler.queues,
            images=_images(settings.executor),
        ),
        clock=base.clock,
        ring=told,
        changes=changes,
        planner=planner,
    )


def _images(executor: ExecutorSettings) -> Images:
    if executor.kind is ExecutorKind.LOCAL:
        return Images.UNUSED
    return Images.OPTIONAL if executor.kubernetes.image else Images.REQUIRED


def _receiver(base: Foundations, manager: Manager, counter: Counter, zygote: TuiZygote) -> SshReceiver:
    settings = base.settings
    return SshReceiver(
        manager,
        settings=ReceiverSettings(base.host_keys, limits=settings.limits, profile=settings.server.algorithms),
        run_command=make_run_command(base.clock.now),
        welcome=welcome,
        counter=counter,
        doors=_doors(base, counter),
        tui=TuiHost(zygote, counter, base.settings.limits),
    )


def _doors(base: Foundations, counter: Counter) -> Doors:
    async def open_tree(api: ManagerAPI) -> Tree:
        me, keys = await api.me(), await api.keys()
        return Tree(base.data, me, authorized_keys="".join(f"{key.line}\n" for key in keys).encode())

    async def serve(api: ManagerAPI, pipes: Pipes, _: Sequence[str]) -> int:
        await serve_api(api, pipes.stdin, pipes.stdout)
        return 0

    threads = FileThreads()
    most = base.settings.limits.open_files_per_user
    return Doors(
        sftp=sftp_door(open_tree, threads, counter, most_handles=most),
        scp=scp_door(open_tree, threads, counter, most_handles=most),
        api=serve,
    )
