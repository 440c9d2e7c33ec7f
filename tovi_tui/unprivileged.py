"""Giving up the server's own user, where sessions can do without: they need to read nothing but their program."""

from __future__ import annotations

import os
import pwd
import sys
from typing import Final

_CAN, _CANNOT = 0, 1
_SHOWN: Final = 200


def drop_to(user: str) -> str:
    """Become `user` for good. Empty when that is so, or not wanted; else why this process keeps the user it has."""
    if not user:
        return ""
    if os.geteuid() != 0:
        return "the server is not root, so it cannot become anybody else"
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        return f"there is no user {user} on this machine"
    if not _could_read_program(account):
        return f"{user} may not read {os.path.realpath(sys.executable)} or what it imports"[:_SHOWN]
    _become(account)
    return ""


def _become(account: pwd.struct_passwd) -> None:
    os.setgroups([])
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)


def _could_read_program(account: pwd.struct_passwd) -> bool:
    """Tried in a process of its own, since there is no way back."""
    pid = os.fork()
    if pid == 0:
        status = _CANNOT
        try:
            _become(account)
            status = _CAN if all(os.access(file, os.R_OK) for file in _program()) else _CANNOT
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == _CAN


def _program() -> list[str]:
    """The interpreter, and all that is loaded by now: what is loaded later lies beside it."""
    loaded = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return [sys.executable, *(file for file in loaded if file)]
