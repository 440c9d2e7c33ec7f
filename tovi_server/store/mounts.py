"""Which file system a path is on: SQLite's locks and shared memory cannot be trusted over a network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_NETWORK: Final = re.compile(
    r"nfs\d?|cifs|smb\w*|ceph|lustre|gpfs|beegfs|glusterfs|afs|9p"
    r"|fuse\.(?:sshfs|s3fs|rclone|glusterfs|juicefs|ceph\S*|nfs\S*|mount\S*)"
)
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


def network_file_system(path: Path) -> str | None:
    """The kind of network file system that `path` is on, None when it is a local one or nobody can tell."""
    try:
        table = Path("/proc/self/mountinfo").read_text()
    except OSError:
        return None
    kind = kind_of(path.resolve(), table)
    return kind if kind is not None and is_network(kind) else None


def is_network(kind: str) -> bool:
    """Whether files on a file system of this kind are on another machine."""
    return _NETWORK.fullmatch(kind) is not None


def kind_of(path: Path, mountinfo: str) -> str | None:
    """The file system's kind by a text of the form of /proc/self/mountinfo; later mounts hide earlier ones."""
    best, kind = -1, None
    for line in mountinfo.splitlines():
        fields, _, rest = line.partition(" - ")
        mount_point = Path(_ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields.split()[4]))
        if path.is_relative_to(mount_point) and len(mount_point.parts) >= best:
            best, kind = len(mount_point.parts), rest.split()[0]
    return kind
