"""What can be done with users, keys and projects: each is asked, and names whom it hits."""

from __future__ import annotations

from collections.abc import Sequence

from tovi_server.core.access import Role
from tovi_server.core.views import KeyView, ProjectView, UserView
from tovi_tui.screens.dialogs import Answer, ChoiceScreen, Question
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.text.people import key_in, key_name
from tovi_tui.text.span import Span, Tone, line

_KEY_WANTED = (line(Span("One line, as in a file such as ~/.ssh/id_ed25519.pub", Tone.DIM)),)


async def add_user(screen: ToviScreen) -> None:
    """Their name, their key, and whether they are an admin."""
    name = await _word(screen, "Add which user?")
    key = await _key_line(screen, f"The public key of {name}?") if name else None
    if not name or not key:
        return
    details = (line(f"with the key {key_in(key)}"),)
    question = Question(f"Add user {name}?", yes="add", other="add as an admin", details=details)
    answer = await screen.ask(question)
    if answer is not Answer.NO:
        await screen.manager.add_user(name, key=key, admin=answer is Answer.OTHER)
        _done(screen, f"user {name} was added")


async def turn_user(screen: ToviScreen, user: UserView) -> None:
    """Disable, or enable again."""
    verb = "enable" if user.disabled else "disable"
    details = () if user.disabled else (line("They cannot log in then, and their sessions end. Their jobs stay."),)
    if await _sure(screen, Question(f"{verb.capitalize()} user {user.name}?", yes=verb, details=details)):
        await screen.manager.set_user(user.name, disabled=not user.disabled, admin=None)
        _done(screen, f"user {user.name} is {verb}d")


async def turn_admin(screen: ToviScreen, user: UserView) -> None:
    """Make them an admin, or no longer."""
    what = "no longer an admin" if user.admin else "an admin"
    details = () if user.admin else (line("Admins manage users and every project."),)
    if await _sure(screen, Question(f"Make {user.name} {what}?", yes=f"make them {what}", details=details)):
        await screen.manager.set_user(user.name, disabled=None, admin=not user.admin)
        _done(screen, f"{user.name} is {what}")


async def add_user_key(screen: ToviScreen, user: UserView) -> None:
    key = await _key_line(screen, f"Add which public key to {user.name}?")
    if key and await _sure(screen, Question(f"Let {key_in(key)} log in as {user.name}?", yes="add the key")):
        await screen.manager.add_user_key(user.name, key=key)
        _done(screen, f"{user.name} has one more key")


async def remove_user_key(screen: ToviScreen, user: UserView) -> None:
    chosen = await _choice(screen, f"Remove which key of {user.name}?", [key_name(key) for key in user.keys])
    key = next((key for key in user.keys if key_name(key) == chosen), None)
    if key and await _sure(screen, Question(f"Remove {chosen} from {user.name}?", yes="remove the key")):
        await screen.manager.remove_user_key(user.name, fingerprint=key.fingerprint)
        _done(screen, f"{key_name(key)} was removed from {user.name}")


async def add_key(screen: ToviScreen) -> None:
    """To oneself."""
    key = await _key_line(screen, "Add which public key to yourself?")
    if key and await _sure(screen, Question(f"Let {key_in(key)} log in as you?", yes="add the key")):
        await screen.manager.add_key(key)
        _done(screen, "you have one more key")


async def remove_key(screen: ToviScreen, key: KeyView) -> None:
    """From oneself."""
    details = (line("You came with it: this session ends."),) if key.current else ()
    question = Question(f"Remove your key {key_name(key)}?", yes="remove the key", details=details)
    if await _sure(screen, question):
        await screen.manager.remove_key(key.fingerprint)
        _done(screen, f"{key_name(key)} was removed")


async def add_project(screen: ToviScreen) -> None:
    name = await _word(screen, "Create which project?")
    note = await screen.prompt(f"What is {name} about?") if name else None
    if name and note is not None and await _sure(screen, Question(f"Create project {name}?", yes="create")):
        await screen.manager.create_project(name, note=note.strip())
        _done(screen, f"project {name} was created; you own it")


async def turn_project(screen: ToviScreen, project: ProjectView) -> None:
    """Archive, or take back from the archive."""
    what = "Take {} back from the archive?" if project.archived else "Archive project {}?"
    details = () if project.archived else (line("It takes no new jobs or data then. What is there stays."),)
    yes = "take it back" if project.archived else "archive"
    if await _sure(screen, Question(what.format(project.name), yes=yes, details=details)):
        await screen.manager.set_project(project.name, note=None, archived=not project.archived)
        _done(screen, f"project {project.name} is {'in use again' if project.archived else 'archived'}")


async def note_project(screen: ToviScreen, project: ProjectView) -> None:
    note = await screen.prompt(f"What is {project.name} about?", text=project.note)
    if note is not None and note != project.note:
        await screen.manager.set_project(project.name, note=note, archived=None)
        _done(screen, f"project {project.name} has another note")


async def set_member(screen: ToviScreen, project: ProjectView) -> None:
    """A new member, or another role of one."""
    user = await _word(screen, f"Which user in {project.name}?")
    role = await _choice(screen, f"{user} is what in {project.name}?", list(Role), Role.MEMBER) if user else None
    if user and role and await _sure(screen, Question(f"Make {user} {role} of {project.name}?", yes=f"make {role}")):
        await screen.manager.set_member(project.name, user, Role(role))
        _done(screen, f"{user} is {role} of {project.name}")


async def remove_member(screen: ToviScreen, project: ProjectView) -> None:
    user = await _choice(screen, f"Who leaves {project.name}?", [member.user for member in project.members])
    if user and await _sure(screen, Question(f"Remove {user} from {project.name}?", yes="remove")):
        await screen.manager.remove_member(project.name, user)
        _done(screen, f"{user} is no member of {project.name} any more")


async def use_project(screen: ToviScreen, project: ProjectView) -> None:
    await screen.tovi.use_project(project.name)
    _done(screen, f"you work in {project.name}")


async def _sure(screen: ToviScreen, question: Question) -> bool:
    return await screen.ask(question) is Answer.YES


async def _word(screen: ToviScreen, what: str) -> str | None:
    typed = await screen.prompt(what)
    return typed.strip() if typed else None


async def _key_line(screen: ToviScreen, what: str) -> str | None:
    typed = await screen.prompt(what, details=_KEY_WANTED)
    return typed.strip() if typed else None


async def _choice(screen: ToviScreen, what: str, choices: Sequence[str], chosen: str = "") -> str | None:
    return await screen.app.push_screen_wait(ChoiceScreen(what, choices, chosen))


def _done(screen: ToviScreen, text: str) -> None:
    screen.tell(text)
    screen.reload()
