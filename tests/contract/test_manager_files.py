"""The caller's files as screens ask the manager for them: what SFTP shows, page by page."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.manager_doorways import Doorway
from tests.manager_house import House, open_house
from tovi_server.api import ManagerAPI
from tovi_server.core.access import Role
from tovi_server.core.errors import ConflictError, DeniedError, NotFoundError

pytest_plugins = ("tests.contract.doorways",)

SCANS = "projects/lens/datasets/scans"


@pytest.fixture
async def house(tmp_path: Path, doorway: Doorway) -> AsyncIterator[House]:
    async with open_house(tmp_path, doorway) as opened:
        yield opened


@pytest.fixture
async def ada(house: House) -> ManagerAPI:
    """The owner of project lens."""
    ada = await house.person("ada")
    await house.project("lens", {"ada": Role.OWNER})
    house.files.create_project("lens")
    return ada


@pytest.fixture
def scans(house: House, ada: ManagerAPI) -> Path:
    """A dataset with the files a, b and c."""
    folder = house.files.data.path(SCANS)
    folder.mkdir()
    for name in "abc":
        (folder / name).write_bytes(name.encode() * 10)
    return folder


async def _names(api: ManagerAPI, path: str) -> list[str]:
    return [one.path for one in (await api.list_files(path, after=None, limit=100)).items]


async def test_everybody_sees_a_tree_of_their_own(house: House, ada: ManagerAPI, scans: Path) -> None:
    eve = await house.person("eve")
    assert "lens/" in await _names(ada, "projects")
    assert "lens/" not in await _names(eve, "projects")
    with pytest.raises(NotFoundError, match=SCANS):
        await eve.list_files(SCANS, after=None, limit=10)


async def test_a_folder_comes_in_pages(ada: ManagerAPI, scans: Path) -> None:
    first = await ada.list_files(SCANS, after=None, limit=2)
    assert ([one.path for one in first.items], first.more, first.writable) == (["a", "b"], True, True)
    rest = await ada.list_files(SCANS, after="b", limit=2)
    assert ([one.path for one in rest.items], rest.more) == (["c"], False)


async def test_bytes_of_a_file_come_as_they_are(ada: ManagerAPI, scans: Path) -> None:
    (scans / "a").write_bytes(bytes(range(256)))
    part = await ada.read_file(f"{SCANS}/a", start=250, length=100)
    assert (part.start, part.data, part.size_bytes) == (250, bytes(range(250, 256)), 256)


async def test_the_callers_keys_are_a_file(ada: ManagerAPI) -> None:
    (key,) = await ada.keys()
    assert (await ada.read_file("authorized_keys", start=0, length=1000)).data.decode().split()[1] == key.line.split()[
        1
    ]


async def test_files_are_removed_and_get_other_names(ada: ManagerAPI, scans: Path) -> None:
    await ada.remove_file(f"{SCANS}/a")
    with pytest.raises(ConflictError, match=f"{SCANS}/b"):
        await ada.rename_file(f"{SCANS}/b", to=f"{SCANS}/c")
    await ada.rename_file(f"{SCANS}/b", to=f"{SCANS}/d")
    assert await _names(ada, SCANS) == ["c", "d"]


async def test_who_may_only_look_changes_nothing(house: House, ada: ManagerAPI, scans: Path) -> None:
    bob = await house.person("bob")
    await house.accounts.set_member("lens", "bob", Role.VIEWER)
    assert not (await bob.list_files(SCANS, after=None, limit=10)).writable
    with pytest.raises(DeniedError, match=f"{SCANS}/a"):
        await bob.remove_file(f"{SCANS}/a")
    with pytest.raises(DeniedError):
        await bob.rename_file(f"{SCANS}/a", to="home/a")
    assert await _names(ada, SCANS) == ["a", "b", "c"]


async def test_who_lost_a_role_sees_nothing_from_then_on(house: House, ada: ManagerAPI, scans: Path) -> None:
    bob = await house.person("bob")
    await house.accounts.set_member("lens", "bob", Role.MEMBER)
    assert await _names(bob, SCANS) == ["a", "b", "c"]
    await ada.remove_member("lens", "bob")
    with pytest.raises(NotFoundError):
        await _names(bob, SCANS)


async def test_a_planted_link_leads_nowhere(ada: ManagerAPI, scans: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    os.symlink(tmp_path / "secret", scans / "file")
    os.symlink("../../../../../", scans / "folder")
    with pytest.raises((DeniedError, NotFoundError)):
        await ada.read_file(f"{SCANS}/file", start=0, length=100)
    with pytest.raises((DeniedError, NotFoundError)):
        await ada.list_files(f"{SCANS}/folder", after=None, limit=10)
    await ada.remove_file(f"{SCANS}/folder")
    assert (tmp_path / "secret").exists()
