"""An image with nothing but busybox, to which every tool of the shell's is a link."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests import cluster_image, kube

_TOOLS: Final = Path("bin")


def image() -> str:
    """Its name, once it is in every node."""
    found = shutil.which("busybox")
    assert found is not None, "the tests that call this are marked as needing it"
    program = Path(found)
    called = f"tovi.test/busybox:{hashlib.sha256(program.read_bytes()).hexdigest()[:16]}"
    with tempfile.TemporaryDirectory(prefix="tovi-busybox-") as work:
        root, made = Path(work) / "root", Path(work) / "image.tar"
        _lay_out(root, program)
        subprocess.run([kube.SHARED / "make-image", made, called, root], check=True, capture_output=True)
        cluster_image._load(made, called)
    return called


def _lay_out(root: Path, program: Path) -> None:
    (root / _TOOLS).mkdir(parents=True)
    (root / "tmp").mkdir(mode=0o1777)
    shutil.copy2(program, root / _TOOLS / "busybox")
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for tool in set(listed) - {"busybox"}:
        (root / _TOOLS / tool).symlink_to("busybox")
