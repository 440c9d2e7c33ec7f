"""What a fork of the zygote does to become a session: it leaves behind all that is not the session's own."""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NoReturn

from tovi_tui import kernel
from tovi_tui.session import run_session

_NICENESS: Final = 5
"""The server's own work comes first."""
_FULL_COLLECTION: Final = 1000
"""So many times rarer than the next smaller one: with 10,000 jobs it stops the keys for 40 ms."""
_FIRST_DESCRIPTOR: Final = 3
_LONGEST_STORY: Final = 16 * 1024
_DEFAULT_SIGNALS: Final = (
    *(signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT, signal.SIGINT, signal.SIGCHLD),
    *(signal.SIGWINCH, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
)
"""A server that was started with `nohup` ignores some of them, and so would all that it starts."""


def be_a_session(environment: Mapping[str, str], terminal: int, api: int, line: int, *, zygote: int) -> NoReturn:
    """In the fork; never comes back. The last line on `line` is `{"status": …}`, with a `story` if it crashed."""
    told = socket.socket(fileno=os.dup(line))
    last: dict[str, object] = {"status": 1}
    try:
        _leave_behind(environment, terminal, keep={api, line, told.fileno()}, zygote=zygote)
        last = {"status": run_session(socket.socket(fileno=api), socket.socket(fileno=line), dict(environment))}
    except BaseException:  # nobody above this would tell it
        last["story"] = traceback.format_exc()[-_LONGEST_STORY:]
    finally:
        with suppress(OSError):  # nobody listens any more
            told.setblocking(True)
            told.sendall(json.dumps(last).encode() + b"\n")
        os._exit(0)


def _leave_behind(environment: Mapping[str, str], terminal: int, *, keep: set[int], zygote: int) -> None:
    kernel.die_with(zygote)
    kernel.set_name("tovi-terminal")
    os.login_tty(terminal)
    _close_others(keep)
    signal.set_wakeup_fd(-1)
    for number in _DEFAULT_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.nice(_NICENESS)
    gc.set_threshold(*gc.get_threshold()[:2], _FULL_COLLECTION)
    _move_to(environment)


def _close_others(keep: set[int]) -> None:
    """By ranges: a process that gave up its user may not list its own descriptors."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    first = _FIRST_DESCRIPTOR
    for one in (*sorted(keep), most):
        os.closerange(first, one)
        first = one + 1


def _move_to(environment: Mapping[str, str]) -> None:
    """`random` needs nothing: Python seeds it anew after each fork."""
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir("/")
    sys.stdin, sys.stdout = sys.__stdin__, sys.__stdout__
