"""Users, keys and projects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes_manager import FakeManager
from tests.tui.editing import Led, asked, led
from tovi_server.core import views
from tovi_server.core.access import Role
from tovi_server.core.errors import ConflictError
from tovi_tui.places import AdminPlace
from tovi_tui.text.people import key_in

PUBLIC = "ssh-ed25519 AAAAC3Nza bob@desk"


class NoAdmin(FakeManager):
    """Of somebody who manages nobody."""

    async def me(self) -> views.Me:
        return replace(await super().me(), admin=False)


async def confirmed(on: Led, what: str) -> None:
    """Asked first, by name."""
    assert what in on.text
    await on.press("y")


async def test_an_admin_sees_users_and_their_keys() -> None:
    async with led(FakeManager(), AdminPlace()) as on:
        for part in ("ada", "admin", "bob", "disabled", "SHA256:abc ada@laptop", "this session"):
            assert part in on.text


async def test_somebody_else_is_told_who_manages_users_and_has_projects_and_keys() -> None:
    manager = NoAdmin()
    async with led(manager, AdminPlace()) as on:
        assert "lens" in on.text
        await on.press("tab")
        assert "ssh-ed25519 AAAA ada@laptop" in on.text
        await on.press("tab")
        assert "users are managed by admins" in on.text
        await on.press("a")
        assert asked(manager, "users") == []
        assert "Add which user?" not in on.text


async def test_tab_and_back_go_through_the_sections() -> None:
    async with led(FakeManager(), AdminPlace()) as on:
        assert "people · users" in on.text
        await on.press("shift+tab")
        assert "people · my keys" in on.text
        await on.press("tab", "tab")
        assert "people · projects" in on.text


@pytest.mark.parametrize(("key", "admin"), [("y", False), ("o", True)])
async def test_a_user_is_added_with_a_pasted_key(key: str, admin: bool) -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("a")
        await on.type("eve\n")
        await on.type(f"{PUBLIC}\n")
        assert "Add user eve?" in on.text
        assert asked(manager, "add_user") == []
        await on.press(key)
        assert asked(manager, "add_user") == [("eve", PUBLIC, admin)]


async def test_a_name_that_is_left_adds_nobody() -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("a", "escape")
        assert asked(manager, "add_user") == []


async def test_d_disables_and_enables() -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("d")
        await confirmed(on, "Disable user ada?")
        await on.press("down", "d")
        await confirmed(on, "Enable user bob?")
        assert asked(manager, "set_user") == [("ada", True, None), ("bob", False, None)]


async def test_no_means_no() -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("d", "n")
        assert asked(manager, "set_user") == []


async def test_capital_a_makes_admins() -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("down", "A")
        await confirmed(on, "Make bob an admin?")
        assert asked(manager, "set_user") == [("bob", None, True)]


async def test_plus_gives_a_user_a_key() -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("down", "plus")
        await on.type(f"{PUBLIC}\n")
        await confirmed(on, "log in as bob?")
        assert asked(manager, "add_user_key") == [("bob", PUBLIC)]


async def test_minus_takes_a_key_of_a_user() -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("minus", "enter")
        await confirmed(on, "Remove SHA256:abc ada@laptop from ada?")
        assert asked(manager, "remove_user_key") == [("ada", "SHA256:abc")]


@pytest.mark.parametrize("key", ["a", "plus"])
async def test_a_key_is_added_to_oneself(key: str) -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("shift+tab", key)
        await on.type(f"{PUBLIC}\n")
        await confirmed(on, "log in as you?")
        assert asked(manager, "add_key") == [PUBLIC]


@pytest.mark.parametrize("key", ["d", "minus"])
async def test_removing_the_key_one_came_with_says_so(key: str) -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("shift+tab", key)
        assert "You came with it" in on.text
        await confirmed(on, "Remove your key SHA256:abc ada@laptop?")
        assert asked(manager, "remove_key") == ["SHA256:abc"]


async def test_a_project_is_created_with_its_note() -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("tab", "a")
        await on.type("galaxies\n")
        await on.type("all of them\n")
        await confirmed(on, "Create project galaxies?")
        assert asked(manager, "create_project") == [("galaxies", "all of them")]


async def test_d_archives_a_project() -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("tab", "d")
        await confirmed(on, "Archive project lens?")
        assert asked(manager, "set_project") == [("lens", None, True)]


async def test_e_edits_the_note_of_a_project() -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("tab", "e", "end")
        await on.type("!\n")
        assert asked(manager, "set_project") == [("lens", "lenses!", None)]


async def test_plus_adds_a_member_in_a_role() -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("tab", "plus")
        await on.type("eve\n")
        await on.press("up", "enter")
        await confirmed(on, "Make eve viewer of lens?")
        assert asked(manager, "set_member") == [("lens", "eve", Role.VIEWER)]


async def test_minus_removes_a_member() -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("tab", "minus", "down", "enter")
        await confirmed(on, "Remove bob from lens?")
        assert asked(manager, "remove_member") == [("lens", "bob")]


async def test_enter_works_in_the_project() -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("tab", "enter")
        assert asked(manager, "use_project") == ["lens"]


async def test_a_refusal_is_told_and_stays_though_the_tables_are_read_again() -> None:
    manager = FakeManager()
    async with led(manager, AdminPlace()) as on:
        await on.press("d")
        manager.error = ConflictError("ada is the last admin")
        await on.press("y")
        manager.error = None
        await on.press("down")
        assert "conflict: ada is the last admin" in on.text


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (140, 40)])
async def test_rows_and_details_are_in_sight(size: tuple[int, int]) -> None:
    async with led(FakeManager(), AdminPlace(), size=size) as on:
        for part in ("users", "bob", "SHA256:abc", "add"):
            assert part in on.text


@pytest.mark.parametrize(
    ("pasted", "shown"),
    [
        (f" {PUBLIC}\n", "ssh-ed25519 …AAAAC3Nza bob@desk"),
        ("ssh-rsa " + "A" * 300 + "end", "ssh-rsa …AAAAAAAAAend"),
        ("nonsense", "nonsense …"),
    ],
)
def test_a_pasted_key_in_short(pasted: str, shown: str) -> None:
    assert key_in(pasted) == shown
