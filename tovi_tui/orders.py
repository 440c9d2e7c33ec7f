"""What people ask for by words and keys of everywhere, carried out over the screen in front."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from textual.binding import ActiveBinding, Binding

from tovi_tui.screens.command import CommandScreen, KeyAction
from tovi_tui.screens.control import Target, cancel, hold, release
from tovi_tui.screens.dialogs import Answer, ChoiceScreen, Question
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.text import lines_to_type
from tovi_tui.text.commands import Control, Do, Go, Order, Set, read_command
from tovi_tui.text.help import help_lines


async def ask(screen: ToviScreen) -> None:
    """The `:` line."""
    chosen = await screen.app.push_screen_wait(CommandScreen(_actions(screen)))
    match chosen:
        case None:
            return
        case KeyAction(action=action):
            await screen.run_action(action)
        case _:
            await follow(screen, chosen)


async def follow(screen: ToviScreen, order: Order) -> None:
    """Do what a line asks for."""
    match order:
        case Go(place):
            screen.tovi.open(place)
        case Control("cancel", targets):
            await cancel(screen, [Target(str(target), "") for target in targets])
        case Control("hold", targets):
            await hold(screen, targets)
        case Control(_, targets):
            await release(screen, targets)
        case Set("project", name):
            await screen.tovi.use_project(name)
        case Set(what, value):
            await screen.tovi.set(what, value)
        case Do("help"):
            await show_help(screen)
        case Do():
            screen.tovi.leave()
        case _:
            assert_never(order)


async def show_help(screen: ToviScreen) -> None:
    """All keys, from the bindings that work."""
    server = screen.tovi.viewer.server
    to_type = [
        lines_to_type.ssh(server, "submit < tovi.yaml"),
        lines_to_type.upload(server, "datasets/NAME"),
        lines_to_type.fetch(server, "jobs/12"),
    ]
    everywhere = _keys(screen, (binding for _, binding in screen.app._bindings))  # private: there is no public list
    await screen.show_text("Keys", help_lines(_keys(screen, _of_screen(screen)), everywhere, to_type))


async def ask_leave(screen: ToviScreen) -> None:
    """End the session, though the editor has a text that was not submitted."""
    question = Question("End the session? The text in the editor was not submitted.", yes="end it, without the text")
    if await screen.ask(question) is Answer.YES:
        screen.app.exit()


async def ask_project(screen: ToviScreen) -> None:
    """Which one to work in."""
    me = screen.tovi.viewer.me
    chosen = await screen.app.push_screen_wait(ChoiceScreen("Work in which project?", sorted(me.projects), me.project))
    if chosen is not None:
        await follow(screen, read_command(f"project {chosen}"))


def _of_screen(screen: ToviScreen) -> Iterable[Binding]:
    """Of the screen, and of what in it has the keys; what its own and the app's keys say comes once."""
    active: dict[str, ActiveBinding] = screen.active_bindings
    return [one.binding for one in active.values() if one.node is not screen.app and one.enabled]


def _keys(screen: ToviScreen, bindings: Iterable[Binding]) -> list[tuple[str, str]]:
    """Keys that do the same in one line."""
    keys: dict[str, list[str]] = {}
    for binding in bindings:
        keys.setdefault(binding.description, []).append(screen.app.get_key_display(binding))
    return [(" ".join(dict.fromkeys(of)), does) for does, of in keys.items() if does]


def _actions(screen: ToviScreen) -> list[KeyAction]:
    return [
        KeyAction(screen.app.get_key_display(binding), binding.action, binding.description)
        for binding in _of_screen(screen)
        if binding.description
    ]
