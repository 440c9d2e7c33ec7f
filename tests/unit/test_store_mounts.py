"""Which file system a path is on, by the kernel's own table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tovi_server.store.mounts import is_network, kind_of

_TABLE = """\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 27 0:25 / /data rw,relatime shared:1 - nfs4 server:/export rw
31 30 8:1 / /data/local rw,relatime - xfs /dev/sdb rw
32 27 0:26 / /with\\040space rw - ceph mon:/ rw
33 27 0:27 / /twice rw - ext4 /dev/vdb rw
34 33 0:28 / /twice rw - cifs //server/share rw
35 27 0:29 / /home/me rw - fuse.sshfs me@host: rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/tovi", "ext4"),
        ("/data", "nfs4"),
        ("/data/tovi/server", "nfs4"),
        ("/data/local/tovi", "xfs"),
        ("/database", "ext4"),
        ("/with space/x", "ceph"),
        ("/twice/x", "cifs"),
    ],
)
def test_the_innermost_and_latest_mount_counts(path: str, kind: str) -> None:
    assert kind_of(Path(path), _TABLE) == kind


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "ceph", "lustre", "beegfs", "fuse.sshfs", "9p", "afs"])
def test_network_file_systems_are_known(kind: str) -> None:
    assert is_network(kind)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "fuseblk"])
def test_local_file_systems_are_fine(kind: str) -> None:
    assert not is_network(kind)
