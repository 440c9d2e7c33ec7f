"""Keys and users: `keys …` and `admin user …`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from tovi_cli.call import Call, Injected, Name
from tovi_cli.form import TABLE, Form, Json
from tovi_cli.look import Look
from tovi_cli.output import Column, Document, Listing, show_document, show_list
from tovi_cli.typed import key_line
from tovi_cli.verb import Verb
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


async def _told(call: Call, json: bool, user: UserView, did: str) -> int:
    if not await show_document(call, Form(json=json), Document(USER_SCHEMA, user)):
        await call.put(f"{safe_line(user.name)} {did}\n")
    return 0


VERBS = (
    Verb(("keys",), keys, ("ssh {host} keys",)),
    Verb(("keys", "add"), add_key, ("ssh {host} keys add < ~/.ssh/id_laptop.pub",)),
    Verb(("keys", "remove"), remove_key, ("ssh {host} keys remove SHA256:…",)),
    Verb(("admin", "user", "list"), users, ("ssh {host} admin user list",)),
    Verb(("admin", "user", "add"), add_user, ("ssh {host} admin user add bob < bob.pub",)),
    Verb(("admin", "user", "disable"), disable, ("ssh {host} admin user disable bob",)),
    Verb(("admin", "user", "enable"), enable, ("ssh {host} admin user enable bob",)),
)
