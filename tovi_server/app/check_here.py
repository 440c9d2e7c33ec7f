"""What a server has on this machine, whatever runs its tasks: the data directory, the database, the host keys."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tovi_server.app.server_folder import check_server_folder
from tovi_server.core.errors import ToviError
from tovi_server.core.findings import Finding, fine, short
from tovi_server.files.datadir import TOP_FOLDERS
from tovi_server.receivers import host_keys
from tovi_server.settings import Role, Settings
from tovi_server.store import schema
from tovi_server.store.engine import found_schema

_DATA: Final = "data directory"


def is_there(root: Path) -> bool:
    """Whether there is a data directory at all."""
    return (root / "server").is_dir()


def findings(root: Path, settings: Settings) -> list[Finding]:
    """Nothing is changed."""
    found = list(_data(root))
    if is_there(root):
        found.append(_database(root, settings))
    if is_there(root) and settings.server.role is not Role.SCHEDULER:  # which needs none
        found.append(_host_keys(root, settings))
    return found


def _data(root: Path) -> Iterator[Finding]:
    try:
        check_server_folder(root)
    except ToviError as error:
        yield _short(_DATA, error)
        if not is_there(root):
            return
    wrong = [*_wrong_owners(root), *_wrong_modes(root)]
    yield from wrong
    if not wrong:
        yield fine(_DATA, f"{root} belongs to uid {os.geteuid()}, as this server does")


def _wrong_owners(root: Path) -> Iterator[Finding]:
    for name in TOP_FOLDERS:
        path = root / name
        if path.exists() and (owner := path.stat().st_uid) != os.geteuid():
            todo = f"chown {os.geteuid()} {path}; or run this as the server runs"
            yield short(_DATA, f"{path} belongs to uid {owner}, and this is uid {os.geteuid()}", todo)


def _wrong_modes(root: Path) -> Iterator[Finding]:
    """Of the server's own folder it was told already."""
    for name, wanted in TOP_FOLDERS.items():
        path = root / name
        if name == "server" or not path.exists():
            continue
        mode = stat.S_IMODE(path.stat().st_mode) & 0o777
        if mode != wanted:
            yield short(
                _DATA, f"{path} has mode {mode:04o}, and should have {wanted:04o}", f"chmod {wanted:04o} {path}"
            )


def _database(root: Path, settings: Settings) -> Finding:
    try:
        found = found_schema(settings.database.url, base=root / "server")
    except ToviError as error:
        return _short("database", error)
    if found is None:
        return short(
            "database", "it is empty, or not there", f"tovi-server init --data {root} --admin NAME --key KEY.pub"
        )
    if found > schema.HEAD:
        words = f"it is at schema {found}, and this version of Tovi knows only up to {schema.HEAD}"
        return short("database", words, "install the newer version again; data is never taken back to an older schema")
    later = "" if found == schema.HEAD else f"; a server of this version brings it to {schema.HEAD} when it starts"
    return fine("database", f"it can be reached, at schema {found}{later}")


def _host_keys(root: Path, settings: Settings) -> Finding:
    folder = root / "server" / settings.server.host_keys
    try:
        pairs = host_keys.load(folder)
    except ToviError as error:
        return _short("host keys", error)
    return fine("host keys", f"{len(pairs)} in {folder}, shut to others")


def _short(what: str, error: ToviError) -> Finding:
    return short(what, error.in_one_line, error.hint)
