"""Which executor runs tasks, by the settings, and what it means for their files."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

from scheduler.crew import Width
from scheduler.local import LocalSettings, open_local_executor
from scheduler.ports import Executor, Owner
from tovi_server.app.foundations import Foundations
from tovi_server.core.errors import UnavailableError
from tovi_server.files.orders import Rules
from tovi_server.settings import ExecutorKind, ExecutorSettings

_INSTALLATION: Final = "installation"


def open_executor(base: Foundations, *, freed: Callable[[], None]) -> AbstractAsyncContextManager[Executor]:
    """The one that the settings name. `freed` is called when there is room that no report tells of."""
    if base.settings.executor.kind is ExecutorKind.LOCAL:
        return open_local_executor(_local_settings(base), clock=base.clock)
    # Importing its library takes long and much memory: nobody else needs it.
    from k8s.executor import open_kubernetes_executor
    from tovi_server.app.kubernetes import kubernetes_settings

    settings = kubernetes_settings(base.settings, base.root, installation(base.server))
    return open_kubernetes_executor(settings, clock=base.clock, freed=freed)


def starts(settings: ExecutorSettings) -> Width:
    """How many tasks are started at once: on a machine its disk sets the pace, of a cluster its API server.

    There one stage may make all the requests, while files are laid out for as many others.
    """
    if settings.kind is ExecutorKind.LOCAL:
        return Width(in_all=8, of_a_stage=2)
    return Width(2 * settings.kubernetes.requests, settings.kubernetes.requests)


def rules(settings: ExecutorSettings) -> Rules:
    """What all attempts have in common."""
    if settings.kind is ExecutorKind.LOCAL:
        return Rules(settings.local.grace, settings.local.log_limit)
    return Rules(settings.kubernetes.grace, settings.kubernetes.log_limit, in_pods=True)


def owners(base: Foundations) -> Callable[[str, str], Awaitable[Owner]]:
    """Whose ids a project's and user's tasks have. Where the server is not root, its own."""
    executor = base.settings.executor

    async def owner(project: str, user: str) -> Owner:
        if os.geteuid() != 0:
            return Owner(None, None)
        if executor.kind is ExecutorKind.KUBERNETES:
            return Owner(executor.kubernetes.uid, executor.kubernetes.gid)
        return Owner(*await base.accounts.identity(project, user))

    return owner


def _local_settings(base: Foundations) -> LocalSettings:
    local = base.settings.executor.local
    return LocalSettings(
        name=socket.gethostname(),
        cpus=local.cpus,
        memory_bytes=local.memory,
        disk_bytes=local.disk,
        disk_of=base.root,
        gpus=local.gpus,
    )


def installation(folder: Path) -> str:
    """What tells the pods of this data directory from those of all others, made when it is first asked for.

    Raises:
        UnavailableError: it can be neither read nor made.
    """
    file = folder / _INSTALLATION
    try:
        new = folder / f".{_INSTALLATION}-{secrets.token_hex(8)}"
        new.write_text(secrets.token_hex(10))
        try:
            os.link(new, file)  # of two servers that begin at once, one makes it
        except FileExistsError:
            pass
        finally:
            new.unlink()
        return file.read_text()
    except OSError as error:
        raise UnavailableError(f"the file {file} cannot be had", why=error.strerror or "") from error
