"""Users, keys, projects: what must never be said twice, and never be left without anybody."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.contract.store_house import DAWN
from tovi_server.core.access import Role
from tovi_server.core.errors import ConflictError, NotFoundError, UsageError
from tovi_server.store.accounts import AccountStore
from tovi_server.store.engine import Database

pytest_plugins = ("tests.contract.store_fixtures",)


@pytest.fixture
async def accounts(database: Database) -> AccountStore:
    """With ann, who is an admin, bob, and ann's project lab."""
    store = AccountStore(database)
    await store.add_user("ann", admin=True, now=DAWN)
    await store.add_user("bob", admin=False, now=DAWN)
    await store.create_project("lab", owner="ann", note="shared", now=DAWN)
    return store


async def test_users_are_what_they_were_added_as(accounts: AccountStore) -> None:
    assert [(user.name, user.admin, user.disabled) for user in await accounts.users()] == [
        ("ann", True, False),
        ("bob", False, False),
    ]
    bob = await accounts.user("bob")
    assert bob is not None
    assert bob.created_at == DAWN


@pytest.mark.parametrize("absent", ["eve", "", "a\0", "\ud800"])
async def test_unknown_users_are_nobody(accounts: AccountStore, absent: str) -> None:
    assert await accounts.user(absent) is None


async def test_a_name_is_given_once(accounts: AccountStore) -> None:
    with pytest.raises(ConflictError, match="bob"):
        await accounts.add_user("bob", admin=True, now=DAWN)


@pytest.mark.parametrize("bad", ["", "a\nb", "a\0b", "x" * 65])
async def test_names_that_cannot_be_kept_are_refused(accounts: AccountStore, bad: str) -> None:
    with pytest.raises(UsageError):
        await accounts.add_user(bad, admin=False, now=DAWN)


async def test_a_user_is_disabled_and_enabled(accounts: AccountStore) -> None:
    await accounts.add_key("bob", "SHA256:b", "ssh-ed25519 AAAA bob", now=DAWN)
    await accounts.set_user("bob", disabled=True, admin=None)
    assert await accounts.key_owner("SHA256:b") == ("bob", True)
    await accounts.set_user("bob", disabled=False, admin=True)
    assert await accounts.key_owner("SHA256:b") == ("bob", False)
    with pytest.raises(NotFoundError):
        await accounts.set_user("eve", disabled=True, admin=None)


@pytest.mark.parametrize("change", [{"disabled": True, "admin": None}, {"disabled": None, "admin": False}])
async def test_the_last_admin_stays(accounts: AccountStore, change: dict[str, bool | None]) -> None:
    with pytest.raises(ConflictError, match="last admin"):
        await accounts.set_user("ann", **change)
    ann = await accounts.user("ann")
    assert ann is not None
    assert (ann.admin, ann.disabled) == (True, False)


async def test_a_key_belongs_to_one_user(accounts: AccountStore) -> None:
    await accounts.add_key("bob", "SHA256:b", "ssh-ed25519 AAAA bob", now=DAWN)
    for user in ("ann", "bob"):
        with pytest.raises(ConflictError, match="in use"):
            await accounts.add_key(user, "SHA256:b", "ssh-ed25519 AAAA mine", now=DAWN)
    assert [key.line for key in await accounts.keys("bob")] == ["ssh-ed25519 AAAA bob"]
    assert await accounts.key_owner("SHA256:none") is None


async def test_a_key_of_somebody_else_cannot_be_removed(accounts: AccountStore) -> None:
    await accounts.add_key("bob", "SHA256:b", "ssh-ed25519 AAAA bob", now=DAWN)
    with pytest.raises(NotFoundError):
        await accounts.remove_key("ann", "SHA256:b")
    assert await accounts.key_owner("SHA256:b") == ("bob", False)


async def test_the_last_key_stays(accounts: AccountStore) -> None:
    for name in ("a", "b"):
        await accounts.add_key("bob", f"SHA256:{name}", f"ssh-ed25519 AAAA {name}", now=DAWN)
    await accounts.remove_key("bob", "SHA256:a")
    with pytest.raises(ConflictError, match="last key"):
        await accounts.remove_key("bob", "SHA256:b")
    assert [key.fingerprint for key in await accounts.keys("bob")] == ["SHA256:b"]


async def test_the_use_of_a_key_is_noted_once_a_minute(accounts: AccountStore) -> None:
    await accounts.add_key("bob", "SHA256:b", "ssh-ed25519 AAAA bob", now=DAWN)
    noted = []
    for seconds in (0, 30, 90):
        await accounts.touch_key("SHA256:b", now=DAWN + timedelta(seconds=seconds))
        noted += [key.used_at for key in await accounts.keys("bob")]
    assert noted == [DAWN, DAWN, DAWN + timedelta(seconds=90)]
    await accounts.touch_key("SHA256:none", now=DAWN)


async def test_members_and_roles(accounts: AccountStore) -> None:
    await accounts.set_member("lab", "bob", Role.VIEWER)
    await accounts.set_member("lab", "bob", Role.MEMBER)
    assert await accounts.projects("bob") == {"lab": Role.MEMBER}
    lab = await accounts.project("lab")
    assert lab is not None
    assert lab.members == {"ann": Role.OWNER, "bob": Role.MEMBER}
    await accounts.remove_member("lab", "bob")
    assert await accounts.projects("bob") == {}


async def test_all_projects_come_with_their_members(accounts: AccountStore) -> None:
    await accounts.create_project("bobs", owner="bob", note="", now=DAWN)
    assert [(one.name, dict(one.members)) for one in await accounts.all_projects()] == [
        ("bobs", {"bob": Role.OWNER}),
        ("lab", {"ann": Role.OWNER}),
    ]


async def test_the_last_owner_stays(accounts: AccountStore) -> None:
    await accounts.set_member("lab", "bob", Role.MEMBER)
    with pytest.raises(ConflictError, match="no owner"):
        await accounts.set_member("lab", "ann", Role.MEMBER)
    with pytest.raises(ConflictError, match="no owner"):
        await accounts.remove_member("lab", "ann")
    assert await accounts.projects("ann") == {"lab": Role.OWNER}


async def test_two_owners_who_leave_at_once_do_not_leave_it_alone(accounts: AccountStore) -> None:
    await accounts.set_member("lab", "bob", Role.OWNER)
    leaving = [accounts.remove_member("lab", name) for name in ("ann", "bob")]
    answers = await asyncio.gather(*leaving, return_exceptions=True)
    assert sorted(isinstance(answer, ConflictError) for answer in answers) == [False, True]


async def test_what_does_not_exist_cannot_be_changed(accounts: AccountStore) -> None:
    for change in (
        accounts.set_member("none", "bob", Role.MEMBER),
        accounts.set_member("lab", "eve", Role.MEMBER),
        accounts.remove_member("lab", "bob"),
        accounts.set_project("none", note="", archived=None),
        accounts.use_project("bob", "none"),
        accounts.create_project("new", owner="eve", note="", now=DAWN),
        accounts.add_key("eve", "SHA256:e", "ssh-ed25519 AAAA e", now=DAWN),
    ):
        with pytest.raises(NotFoundError):
            await change


async def test_a_project_is_changed_in_part(accounts: AccountStore) -> None:
    await accounts.set_project("lab", note=None, archived=True)
    await accounts.set_project("lab", note="old", archived=None)
    lab = await accounts.project("lab")
    assert lab is not None
    assert (lab.note, lab.archived) == ("old", True)
    with pytest.raises(ConflictError, match="taken"):
        await accounts.create_project("lab", owner="bob", note="", now=DAWN)


async def test_the_current_project_is_the_one_chosen_last(accounts: AccountStore) -> None:
    assert await accounts.current_project("bob") is None
    await accounts.use_project("bob", "lab")
    assert await accounts.current_project("bob") == "lab"


async def test_numbers_are_given_once_and_for_ever(accounts: AccountStore, database_url: str, tmp_path: Path) -> None:
    pairs = [("lab", "ann"), ("lab", "bob"), ("other", "ann")]
    first = [await accounts.identity(*pair) for pair in pairs]
    uids, gids = {uid for uid, _ in first}, {gid for _, gid in first}
    assert (len(uids), len(gids), uids & gids) == (3, 2, set())
    assert min(uids | gids) == 200_000
    again = Database.open(database_url, base=tmp_path)
    assert [await AccountStore(again).identity(*pair) for pair in pairs] == first
    assert await AccountStore(again).project_group("lab") == first[0][1]
    await again.close()


async def test_numbers_asked_for_at_once_do_not_meet(accounts: AccountStore) -> None:
    asked = [accounts.identity("lab", f"user{number % 10}") for number in range(40)]
    given = await asyncio.gather(*asked)
    assert len({uid for uid, _ in given}) == 10
    assert given[:10] == given[10:20]
