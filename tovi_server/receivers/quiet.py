"""The library's own log, switched off: it formats several lines for each packet before it asks for the level."""

from __future__ import annotations

from asyncssh.logging import SSHLogger


class QuietLogger(SSHLogger):
    """Says nothing, and is its own child."""

    def get_child(self, child: str = "", context: str = "") -> SSHLogger:
        return self

    def log(self, *_: object, **__: object) -> None:
        """Nothing is said."""

    def info(self, *_: object, **__: object) -> None:
        """Nothing is said."""

    debug1 = debug2 = packet = info


QUIET = QuietLogger()
