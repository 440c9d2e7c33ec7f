"""The server's own keys: made once, readable by the server alone, refused when they are not.

A folder of keys may also be mounted, as Kubernetes does with a Secret: its names are links within the folder, and
root's files are given to the server by its group.
"""

from __future__ import annotations

import os
import stat
from base64 import b64encode
from pathlib import Path

import asyncssh

from tovi_server.core.errors import ConflictError, ToviError

_KEYS = {"ssh_host_ed25519_key": ("ssh-ed25519", 0), "ssh_host_rsa_key": ("ssh-rsa", 3072)}
_FORBIDDEN = stat.S_IRWXG | stat.S_IRWXO


def create(folder: Path) -> None:
    """Make an ed25519 and an RSA-3072 key in `folder`, each 0600 with a `.pub` beside it.

    Durable when it returns. Raises ConflictError when one is there already: replacing a host key locks people out.
    """
    for name, (algorithm, bits) in _KEYS.items():
        key = (
            asyncssh.generate_private_key(algorithm, key_size=bits)
            if bits
            else asyncssh.generate_private_key(algorithm)
        )
        _write(folder / name, key.export_private_key(), mode=0o600)
        _write(folder / f"{name}.pub", key.export_public_key(), mode=0o644)


def load(folder: Path) -> tuple[asyncssh.SSHKeyPair, ...]:
    """The key pairs of `folder`, ready to sign.

    Raises:
        ToviError: a key is missing, broken, or can be read by somebody else.
    """
    return tuple(_pair(_checked(folder / name)) for name in _KEYS)


def public_lines(folder: Path) -> tuple[str, ...]:
    """The public halves in OpenSSH's one-line form, as clients put them into known_hosts. Raises as `load`."""
    return tuple(f"{pair.get_algorithm()} {b64encode(pair.public_data).decode()}" for pair in load(folder))


def _write(path: Path, data: bytes, *, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    except FileExistsError as error:
        raise ConflictError(f"{path} exists already", hint="a host key is made once, by `init`") from error
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _pair(path: Path) -> asyncssh.SSHKeyPair:
    try:
        (pair,) = asyncssh.load_keypairs([str(path)])
    except (asyncssh.KeyImportError, OSError) as error:
        raise ToviError(f"the host key {path} cannot be read", why=str(error)) from error
    return pair


def _checked(path: Path) -> Path:
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise ToviError(f"no host key at {path}", hint="`tovi-server init` makes one") from error
    if not stat.S_ISREG(status.st_mode) or not path.resolve().is_relative_to(path.parent.resolve()):
        raise ToviError(f"the host key {path} is not a regular file of its folder")
    if status.st_mode & _FORBIDDEN & ~(stat.S_IRGRP if _is_given_by_group(status) else 0):
        raise ToviError(
            f"others can read the host key {path}",
            why=f"its mode is {stat.S_IMODE(status.st_mode):04o}; whoever has it can pose as this server",
            hint=f"chmod 600 {path}, and replace it if somebody may have read it",
        )
    if status.st_uid not in {0, os.geteuid()}:
        raise ToviError(f"the host key {path} belongs to somebody else", why=f"its owner is uid {status.st_uid}")
    return path


def _is_given_by_group(status: os.stat_result) -> bool:
    """The only way in which a server that is not root can read a file of root's."""
    return status.st_uid == 0 != os.geteuid() and status.st_gid in {os.getegid(), *os.getgroups()}
