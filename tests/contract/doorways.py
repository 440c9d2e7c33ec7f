"""The suite of ManagerAPI runs for each way to its door."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.manager_doorways import Doorway, direct, over_ssh
from tovi_server.receivers import host_keys


@pytest.fixture(params=["direct", pytest.param("over ssh", marks=pytest.mark.openssh)])
def doorway(request: pytest.FixtureRequest, tmp_path: Path) -> Doorway:
    if request.param == "direct":
        return direct
    shutil.copytree(request.getfixturevalue("host_key_folder"), tmp_path, dirs_exist_ok=True)
    return over_ssh


@pytest.fixture(scope="session")
def host_key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Host keys for all receivers: making them takes a while."""
    folder = tmp_path_factory.mktemp("host-keys")
    host_keys.create(folder)
    return folder
