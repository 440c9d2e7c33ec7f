"""Every module here has a namespace and a volume of its own, and works under Tovi's own rights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import kube
from tests.parts import need
from tests.pods import Place


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    need("cluster")
    with kube.place("tovi-test") as made:
        yield made
