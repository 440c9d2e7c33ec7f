"""Users, keys and projects through ManagerAPI and Gate, over the real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.manager_doorways import Doorway
from tests.manager_house import House, one_piece, open_house, public_key, submitted
from tovi_server.api import ManagerAPI, SubmitOptions
from tovi_server.core.access import Caller, Role
from tovi_server.core.errors import ConflictError, NotFoundError, UsageError
from tovi_server.core.filters import JobFilter, Page

pytest_plugins = ("tests.contract.doorways",)


@pytest.fixture
async def house(tmp_path: Path, doorway: Doorway) -> AsyncIterator[House]:
    async with open_house(tmp_path, doorway) as opened:
        yield opened


@pytest.fixture
async def root(house: House) -> ManagerAPI:
    return await house.root()


async def _caller(house: House, name: str) -> Caller:
    """As a receiver learns it: by the fingerprint of a key."""
    (key,) = await house.accounts.keys(name)
    caller = await house.manager.caller_by_key(key.fingerprint)
    assert caller is not None
    return caller


async def test_a_new_user_has_key_project_home_and_a_door(house: House, root: ManagerAPI) -> None:
    user = await root.add_user("ada", key=public_key(), admin=False)
    assert (user.name, user.admin, len(user.keys)) == ("ada", False, 1)
    assert {"home/ada", "projects/ada"} <= set(house.files.folders)
    me = await house.manager.session(await _caller(house, "ada")).me()
    assert (me.user, me.project, me.projects) == ("ada", "ada", {"ada": Role.OWNER})


@pytest.mark.parametrize("name", ["root", "Ada", "a b", "../x", ""])
async def test_a_name_that_is_taken_or_bad_makes_no_user(root: ManagerAPI, name: str) -> None:
    with pytest.raises((ConflictError, UsageError)):
        await root.add_user(name, key=public_key(), admin=False)
    assert [user.name for user in await root.users()] == ["root"]


async def test_a_bad_key_makes_no_user(root: ManagerAPI) -> None:
    with pytest.raises(UsageError):
        await root.add_user("ada", key="ssh-ed25519 nonsense", admin=False)
    assert [user.name for user in await root.users()] == ["root"]


async def test_a_key_belongs_to_one_user(root: ManagerAPI) -> None:
    key = public_key()
    await root.add_user("ada", key=key, admin=False)
    with pytest.raises(ConflictError):
        await root.add_user("bob", key=key, admin=False)
    assert {"ada", "root"} == {user.name for user in await root.users()}
    with pytest.raises(ConflictError):
        await root.add_key(key)


async def test_a_user_that_was_half_made_when_the_server_died_is_completed(house: House, root: ManagerAPI) -> None:
    await house.accounts.add_user("ada", admin=False, now=house.clock.now())
    user = await root.add_user("ada", key=public_key(), admin=False)
    assert len(user.keys) == 1
    assert await house.accounts.project("ada") is not None


async def test_a_user_name_may_not_be_that_of_a_project(house: House, root: ManagerAPI) -> None:
    ada = await house.person("ada")
    await ada.create_project("lens", note="")
    with pytest.raises(ConflictError):
        await root.add_user("lens", key=public_key(), admin=False)
    with pytest.raises(ConflictError):
        await ada.create_project("root", note="")


async def test_a_disabled_user_has_no_door_and_loses_the_open_one(house: House, root: ManagerAPI) -> None:
    await house.person("ada")
    caller = await _caller(house, "ada")
    assert await house.manager.still_valid(caller)
    await root.set_user("ada", disabled=True, admin=None)
    assert not await house.manager.still_valid(caller)
    assert await house.manager.caller_by_key(caller.key) is None
    await root.set_user("ada", disabled=False, admin=None)
    assert await house.manager.still_valid(caller)


async def test_a_removed_key_or_a_taken_admin_role_ends_the_connection(house: House, root: ManagerAPI) -> None:
    await root.add_user("ada", key=public_key(), admin=True)
    caller = await _caller(house, "ada")
    await root.set_user("ada", disabled=None, admin=False)
    assert not await house.manager.still_valid(caller)
    again = await _caller(house, "ada")
    ada = house.manager.session(again)
    await ada.add_key(public_key())
    await ada.remove_key(again.key)
    assert not await house.manager.still_valid(again)


async def test_an_admin_gives_a_user_another_key_and_takes_the_lost_one(house: House, root: ManagerAPI) -> None:
    await root.add_user("ada", key=public_key(), admin=False)
    lost = await _caller(house, "ada")
    with pytest.raises(ConflictError, match="last key of ada"):
        await root.remove_user_key("ada", fingerprint=lost.key)
    given = await root.add_user_key("ada", key=public_key())
    left = await root.remove_user_key("ada", fingerprint=lost.key)
    assert [len(given.keys), len(left.keys)] == [2, 1]
    assert not await house.manager.still_valid(lost)
    assert (await _caller(house, "ada")).key == left.keys[0].fingerprint


async def test_keys_are_given_and_taken_by_who_has_them(root: ManagerAPI) -> None:
    await root.add_user("ada", key=public_key(), admin=False)
    (mine,) = await root.keys()
    with pytest.raises(NotFoundError, match="ada has no key"):
        await root.remove_user_key("ada", fingerprint=mine.fingerprint)
    with pytest.raises(ConflictError):
        await root.add_user_key("ada", key=mine.line)
    for act in (root.add_user_key("max", key=public_key()), root.remove_user_key("max", fingerprint="SHA256:x")):
        with pytest.raises(NotFoundError, match='no user "max"'):
            await act


async def test_the_use_of_a_key_is_noted_once_a_minute(house: House, root: ManagerAPI) -> None:
    await root.add_user("ada", key=public_key(), admin=False)
    caller = await _caller(house, "ada")

    async def used() -> datetime | None:
        (key,) = await house.manager.session(caller).keys()
        return key.used_at

    assert await used() is None
    await house.manager.logged_in(caller)
    first = house.clock.at
    house.clock.at += timedelta(seconds=59)
    await house.manager.logged_in(caller)
    assert await used() == first
    house.clock.at += timedelta(seconds=2)
    await house.manager.logged_in(caller)
    assert await used() == house.clock.at


async def test_a_caller_without_a_key_uses_none(house: House) -> None:
    await house.manager.logged_in(Caller("root"))
    assert [key.used_at for key in await house.manager.session(Caller("root")).keys()] == [None]


async def test_an_unknown_key_is_nobodys(house: House) -> None:
    assert await house.manager.caller_by_key("SHA256:unknown") is None
    assert not await house.manager.still_valid(Caller("ada", key="SHA256:unknown"))


async def test_somebody_must_stay_admin(root: ManagerAPI) -> None:
    with pytest.raises(ConflictError):
        await root.set_user("root", disabled=True, admin=None)
    with pytest.raises(ConflictError):
        await root.set_user("root", disabled=None, admin=False)


async def test_the_last_key_stays(house: House) -> None:
    await house.person("ada")
    caller = await _caller(house, "ada")
    ada = house.manager.session(caller)
    assert [key.current for key in await ada.keys()] == [True]
    with pytest.raises(ConflictError):
        await ada.remove_key(caller.key)
    with pytest.raises(NotFoundError):
        await ada.remove_key("SHA256:other")
    new = await ada.add_key(public_key())
    assert caller.key == (await ada.remove_key(caller.key)).fingerprint
    assert [new.fingerprint] == [key.fingerprint for key in await ada.keys()]


async def test_somebody_elses_key_cannot_be_removed(house: House, root: ManagerAPI) -> None:
    ada = await house.person("ada")
    await root.add_key(public_key())
    (key, *_) = await root.keys()
    with pytest.raises(NotFoundError):
        await ada.remove_key(key.fingerprint)


async def test_a_project_of_ones_own_and_its_members(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    made = await ada.create_project("lens", note="surveys")
    assert (made.name, made.role, made.current) == ("lens", Role.OWNER, False)
    await ada.set_member("lens", "bob", Role.VIEWER)
    seen = await bob.project("lens")
    assert [(one.user, one.role) for one in seen.members] == [("ada", Role.OWNER), ("bob", Role.VIEWER)]
    assert {"bob", "lens"} == {one.name for one in await bob.projects()}
    with pytest.raises(NotFoundError, match="nobody"):
        await ada.set_member("lens", "nobody", Role.MEMBER)


async def test_the_last_owner_cannot_step_down_or_leave(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    await ada.create_project("lens", note="")
    for step in (ada.set_member("lens", "ada", Role.MEMBER), ada.remove_member("lens", "ada")):
        with pytest.raises(ConflictError):
            await step
    await ada.set_member("lens", "bob", Role.OWNER)
    await ada.remove_member("lens", "ada")
    assert [one.user for one in (await bob.project("lens")).members] == ["bob"]


async def test_the_current_project_is_where_submissions_go(house: House) -> None:
    ada = await house.person("ada")
    await ada.create_project("lens", note="")
    assert (await ada.use_project("lens")).current
    job = await submitted(ada, "run: x")
    assert [one.project for one in (await ada.jobs(JobFilter(), Page())).items if one.id == job] == ["lens"]


@pytest.mark.parametrize(("option", "expected"), [("lens", "lens"), (None, "survey")])
async def test_the_option_beats_the_file_which_beats_the_current_project(
    house: House, option: str | None, expected: str
) -> None:
    ada = await house.person("ada")
    for name in ("lens", "survey"):
        await ada.create_project(name, note="")
    done = await ada.submit(SubmitOptions(project=option), one_piece("project: survey\nrun: x"))
    (job,) = [one for one in (await ada.jobs(JobFilter(), Page())).items if one.id == done.id]
    assert job.project == expected


async def test_an_archive_that_names_another_project_says_how_to_send_it_there(house: House) -> None:
    ada = await house.person("ada")
    await ada.create_project("lens", note="")
    with pytest.raises(UsageError) as refused:
        await submitted(ada, "TARproject: lens\nrun: x")
    assert "--project lens" in refused.value.hint
    assert await submitted(ada, "TARproject: lens\nrun: x", SubmitOptions(project="lens"))


async def test_a_current_project_that_one_was_removed_from_is_the_personal_one_again(house: House) -> None:
    ada, bob = await house.person("ada"), await house.person("bob")
    await ada.create_project("lens", note="")
    await ada.set_member("lens", "bob", Role.MEMBER)
    await bob.use_project("lens")
    await ada.remove_member("lens", "bob")
    assert (await bob.me()).project == "bob"


async def test_an_archived_project_takes_nothing_new_but_is_still_read(house: House) -> None:
    ada = await house.person("ada")
    await ada.create_project("lens", note="")
    job = await submitted(ada, "run: x", SubmitOptions(project="lens"))
    await ada.set_project("lens", note=None, archived=True)
    with pytest.raises(ConflictError, match="archived"):
        await submitted(ada, "run: x", SubmitOptions(project="lens"))
    assert [job] == [one.id for one in (await ada.jobs(JobFilter(project="lens"), Page())).items]
    assert (await ada.me()).archived == ("lens",)
    await ada.set_project("lens", note="back", archived=False)
    assert await submitted(ada, "run: x", SubmitOptions(project="lens"))


async def test_an_admin_sees_every_project_and_may_mend_it(house: House, root: ManagerAPI) -> None:
    ada = await house.person("ada")
    await ada.create_project("lens", note="")
    assert {"ada", "lens", "root"} == {one.name for one in await root.projects()}
    mended = await root.set_member("lens", "root", Role.OWNER)
    assert Role.OWNER is mended.role


async def test_nobody_is_put_out_of_their_personal_project(house: House, root: ManagerAPI) -> None:
    await house.person("ada")
    await root.set_member("ada", "root", Role.OWNER)
    with pytest.raises(ConflictError, match="personal"):
        await root.remove_member("ada", "ada")
