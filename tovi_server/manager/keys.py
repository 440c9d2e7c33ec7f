"""The caller's keys."""

from __future__ import annotations

from tovi_server.core import views
from tovi_server.core.errors import NotFoundError
from tovi_server.manager import present
from tovi_server.manager.desk import Desk
from tovi_server.manager.public_key import comment_of, read_public_key
from tovi_server.store.people import Key


async def keys(desk: Desk) -> tuple[views.KeyView, ...]:
    return tuple(view(one, current=desk.caller.key) for one in await desk.accounts.keys(desk.caller.user))


async def add(desk: Desk, line: str) -> views.KeyView:
    key = read_public_key(line)
    await desk.accounts.add_key(desk.caller.user, key.fingerprint, key.line, now=desk.clock.now())
    return await _key(desk, key.fingerprint)


async def remove(desk: Desk, fingerprint: str) -> views.KeyView:
    """Connections that came with it end soon after: receivers ask whether it still stands."""
    gone = await _key(desk, fingerprint)
    await desk.accounts.remove_key(desk.caller.user, fingerprint)
    return gone


async def _key(desk: Desk, fingerprint: str) -> views.KeyView:
    found = next((one for one in await keys(desk) if one.fingerprint == fingerprint), None)
    if found is None:
        raise NotFoundError(f'you have no key "{fingerprint}"', hint="`keys` lists them")
    return found


def view(one: Key, *, current: str) -> views.KeyView:
    return views.KeyView(
        fingerprint=one.fingerprint,
        line=present.line(one.line),
        comment=present.line(comment_of(one.line)),
        added_at=one.added_at,
        used_at=one.used_at,
        current=one.fingerprint == current,
    )
