"""Keys and users: `keys …`, `admin user …` and `admin key …`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from tovi_cli.call import Call, Injected, Name
from tovi_cli.form import TABLE, Form, Json
from tovi_cli.output import Column, Document, Listing, show_document, show_list
from tovi_cli.typed import key_line
from tovi_cli.verb import Verb
from tovi_server.core.errors import NotFoundError
from tovi_server.core.look import Look
from tovi_server.core.safe import safe_line
from tovi_server.core.views import KeyView, UserView

KeyWords = Annotated[
    str, Parameter(name="LINE", help="A public key in one line; otherwise it comes from standard input.")
]
KEY_SCHEMA = "tovi.key/1"
USER_SCHEMA = "tovi.user/1"

KEYS: tuple[Column[KeyView], ...] = (
    Column("fingerprint", "FINGERPRINT"),
    Column("comment", "COMMENT"),
    Column("added_at", "ADDED"),
    Column("used_at", "USED"),
    Column("current", "CURRENT"),
)


def _user_state(user: UserView, look: Look) -> str:
    return "disabled" if user.disabled else "enabled"


USERS: tuple[Column[UserView], ...] = (
    Column("name", "NAME"),
    Column("admin", "ADMIN"),
    Column("disabled", "STATE", _user_state),
    Column("keys", "KEYS", lambda user, look: str(len(user.keys))),
    Column("created_at", "CREATED"),
)


async def keys(*, form: Form = TABLE, call: Injected) -> int:
    """The public keys that let you in."""
    found = await call.api.keys()
    await show_list(call, form, Listing("tovi.keys/1", KEY_SCHEMA, found, KEYS, empty="no keys"))
    return 0


async def add_key(*line: KeyWords, json: Json = False, call: Injected) -> int:
    """Let another public key of yours in."""
    key = await call.api.add_key(await key_line(call, line))
    if not await show_document(call, Form(json=json), Document(KEY_SCHEMA, key)):
        await call.put(f"{safe_line(key.fingerprint)} added\n")
    return 0


async def remove_key(
    fingerprint: Annotated[str, Parameter(name="FINGERPRINT")], /, *, json: Json = False, call: Injected
) -> int:
    """Let a key of yours in no more; its connections end."""
    key = await call.api.remove_key(fingerprint)
    if not await show_document(call, Form(json=json), Document(KEY_SCHEMA, key)):
        await call.put(f"{safe_line(key.fingerprint)} removed\n")
    return 0


async def users(*, form: Form = TABLE, call: Injected) -> int:
    """All users."""
    found = await call.api.users()
    await show_list(call, form, Listing("tovi.users/1", USER_SCHEMA, found, USERS, empty="no users"))
    return 0


async def add_user(
    name: Name,
    /,
    *,
    key: Annotated[str, Parameter(help="Their public key in one line; `-` is standard input.")] = "-",
    admin: Annotated[bool, Parameter(help="They may manage everything.")] = False,
    json: Json = False,
    call: Injected,
) -> int:
    """Add a user with a public key."""
    line = await key_line(call, () if key == "-" else (key,))
    return await _told(call, json, await call.api.add_user(name, key=line, admin=admin), "added")


async def disable(name: Name, /, *, json: Json = False, call: Injected) -> int:
    """Let a user in no more; nothing of theirs is lost."""
    return await _told(call, json, await call.api.set_user(name, disabled=True, admin=None), "disabled")


async def enable(name: Name, /, *, json: Json = False, call: Injected) -> int:
    """Let a disabled user in again."""
    return await _told(call, json, await call.api.set_user(name, disabled=False, admin=None), "enabled")


async def show_user(name: Name, /, *, form: Form = TABLE, call: Injected) -> int:
    """One user and their keys."""
    user = next((one for one in await call.api.users() if one.name == name), None)
    if user is None:
        raise NotFoundError(f'there is no user "{name}"', hint="`admin user list` lists them")
    if not await show_document(call, form, Document(USER_SCHEMA, user)):
        await show_list(call, TABLE, Listing("", "", (user,), USERS, empty=""))
        await call.put("\n")
        await show_list(call, TABLE, Listing("", "", user.keys, KEYS, empty="no keys"))
    return 0


async def grant(name: Name, /, *, json: Json = False, call: Injected) -> int:
    """Make a user an admin; they log in anew."""
    return await _told(call, json, await call.api.set_user(name, disabled=None, admin=True), "is an admin now")


async def revoke(name: Name, /, *, json: Json = False, call: Injected) -> int:
    """Take the admin role from a user."""
    return await _told(call, json, await call.api.set_user(name, disabled=None, admin=False), "is no admin now")


async def add_user_key(name: Name, /, *line: KeyWords, json: Json = False, call: Injected) -> int:
    """Let a user in with another public key."""
    user = await call.api.add_user_key(name, key=await key_line(call, line))
    return await _told(call, json, user, "has one more key")


async def remove_user_key(
    name: Name, fingerprint: Annotated[str, Parameter(name="FINGERPRINT")], /, *, json: Json = False, call: Injected
) -> int:
    """Let a user in with a key no more; its connections end."""
    user = await call.api.remove_user_key(name, fingerprint=fingerprint)
    return await _told(call, json, user, "has one key less")


async def _told(call: Call, json: bool, user: UserView, did: str) -> int:
    if not await show_document(call, Form(json=json), Document(USER_SCHEMA, user)):
        await call.put(f"{safe_line(user.name)} {did}\n")
    return 0


VERBS = (
    Verb(("keys",), keys, ("ssh {host} keys",)),
    Verb(("keys", "add"), add_key, ("ssh {host} keys add < ~/.ssh/id_laptop.pub",)),
    Verb(("keys", "remove"), remove_key, ("ssh {host} keys remove SHA256:…",)),
    Verb(("admin", "user", "list"), users, ("ssh {host} admin user list",)),
    Verb(("admin", "user", "show"), show_user, ("ssh {host} admin user show bob",)),
    Verb(("admin", "user", "add"), add_user, ("ssh {host} admin user add bob < bob.pub",)),
    Verb(("admin", "user", "disable"), disable, ("ssh {host} admin user disable bob",)),
    Verb(("admin", "user", "enable"), enable, ("ssh {host} admin user enable bob",)),
    Verb(("admin", "user", "grant"), grant, ("ssh {host} admin user grant bob",)),
    Verb(("admin", "user", "revoke"), revoke, ("ssh {host} admin user revoke bob",)),
    Verb(("admin", "key", "add"), add_user_key, ("ssh {host} admin key add bob < new.pub",)),
    Verb(("admin", "key", "remove"), remove_user_key, ("ssh {host} admin key remove bob SHA256:…",)),
)
