"""A zygote whose sessions are no terminal UI but a small program that does what keys tell it: the words that start it
are `(sys.executable, fake_zygote.__file__)`.

Like the real one it draws on the alternate screen, and puts the terminal in order when it is left with `q`.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import threading
import time
import types
from collections.abc import Mapping

told: list[str] = []
flooding = threading.Event()

SIGNALS_S = 0.1
"""One that comes just before a wait is seen after it only."""

ENTER = "\x1b[?1049h\x1b[>1u\x1b[?1003h\x1b[?2004h\x1b[?25l"
LEAVE = "\x1b[?2004l\x1b[?1003l\x1b[<u\x1b[?1049l\x1b[?25h"


def run_session(api: socket.socket, line: socket.socket, environment: Mapping[str, str]) -> int:
    signal.signal(signal.SIGWINCH, lambda *_: say(f"size {os.get_terminal_size(0)[0]}x{os.get_terminal_size(0)[1]}"))
    say(f"{ENTER}ready")
    while True:
        readable, _, _ = select.select([0, line.fileno()], [], [], SIGNALS_S)
        if line.fileno() in readable:
            told.extend(line.recv(4096).decode().splitlines())
            if not flooding.is_set():
                say(f"line {told[-1]}")
        if 0 in readable:
            for key in os.read(0, 4096).decode(errors="replace"):
                if (status := act(key)) is not None:
                    return status


def act(key: str) -> int | None:
    """What a key does; a number ends the session with that status."""
    match key:
        case "q":
            os.write(1, LEAVE.encode())
            return 0
        case "3":
            return 3
        case "c":
            raise RuntimeError("planted")
        case "e":
            say("environment " + json.dumps(dict(os.environ), sort_keys=True))
        case "h":
            files = len(os.listdir("/proc/self/fd")) - 1
            say(f"here nice={os.nice(0)} full={gc.get_threshold()[2]} files={files} tty={os.ttyname(0)}")
        case "d":
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            say("deaf")
        case "f":
            threading.Thread(target=flood, daemon=True).start()
        case "g":
            flooding.clear()
            say(f"\ntold {json.dumps(told)}")
        case "s":
            say("sleeping")
            time.sleep(3600)
    return None


def flood() -> None:
    flooding.set()
    while flooding.is_set():
        os.write(1, b"flood " * 600)


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


if __name__ == "__main__":
    fake = types.ModuleType("tovi_tui.session")
    fake.run_session = run_session  # type: ignore[attr-defined]  # it stands for the module
    fake.app_for = None  # type: ignore[attr-defined]  # the zygote imports all modules, and one of them wants it
    sys.modules["tovi_tui.session"] = fake
    sys.path.insert(0, os.getcwd())
    from tovi_tui.zygote import run_zygote

    run_zygote(int(sys.argv[1]), sys.argv[2])
