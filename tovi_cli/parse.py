"""Words to a bound verb. Parsing is synchronous and shares nothing but the parsers, which it does not change."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from cyclopts import App, CycloptsError, Parameter
from cyclopts.argument import Argument
from cyclopts.exceptions import CoercionError, MissingArgumentError, UnknownOptionError, UnusedCliTokensError

from tovi_cli.verb import Run, Verb
from tovi_server.core.errors import UsageError

_KINDS: Mapping[object, str] = {int: "a whole number", float: "a number"}

LONGEST_KEPT = 256
"""Longer command lines are parsed each time, so that nobody fills the memory with them."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A verb with its arguments; all of them immutable, because the same words get the same `Parsed`."""

    run: Run
    args: tuple[object, ...]
    options: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Option:
    """An argument or option of a verb, as help shows it."""

    names: str
    usage: str
    help: str


class Parser:
    """Reads command lines for a fixed set of verbs."""

    def __init__(self, verbs: Sequence[Verb]) -> None:
        self._verbs = {verb.words: verb for verb in verbs}
        self._apps = {verb.words: _app(verb) for verb in verbs}
        # cyclopts needs 3 ms for a verb with many options; scripts and polls repeat their words.
        self._kept = lru_cache(maxsize=512)(self._parse)

    def parse(self, words: Sequence[str]) -> Parsed:
        """Find the verb that `words` begin with, and bind the rest to its parameters.

        Raises:
            UsageError: no such verb or option, or an argument is missing or of another form.
        """
        line = tuple(words)
        return self._kept(line) if sum(map(len, line)) <= LONGEST_KEPT else self._parse(line)

    def find(self, words: Sequence[str]) -> Verb:
        """The verb whose words are the longest beginning of `words`.

        Raises:
            UsageError: there is none; names the nearest.
        """
        for count in range(min(3, len(words)), 0, -1):
            verb = self._verbs.get(tuple(words[:count]))
            if verb is not None:
                return verb
        raise self._unknown(words)

    def starting_with(self, words: Sequence[str]) -> tuple[Verb, ...]:
        """The verbs of a noun, e.g. of `project`."""
        return tuple(verb for verb in self._verbs.values() if verb.words[: len(words)] == tuple(words))

    def options(self, verb: Verb) -> tuple[Option, ...]:
        """All that a verb takes, arguments first."""
        arguments = self._apps[verb.words].assemble_argument_collection(parse_docstring=True)
        return tuple(_option(argument) for argument in arguments if argument.show)

    def _valued(self, verb: Verb) -> frozenset[str]:
        """The options of a verb that a value follows."""
        arguments = self._apps[verb.words].assemble_argument_collection()
        return frozenset(name for argument in arguments if argument.hint is not bool for name in argument.names)

    def _unknown(self, words: Sequence[str]) -> UsageError:
        if not words:
            return UsageError("no verb was given", hint="`help` lists them")
        noun = max((n for n in range(1, len(words) + 1) if self.starting_with(words[:n])), default=0)
        if noun:
            return _unfinished(words, noun, self.starting_with(words[:noun]))
        near = difflib.get_close_matches(words[0], sorted({verb.words[0] for verb in self._verbs.values()}), n=1)
        hint = f"did you mean `{near[0]}`? `help` lists all" if near else "`help` lists all"
        return UsageError(f'"{words[0]}" is not a verb', hint=hint)

    def _parse(self, words: tuple[str, ...]) -> Parsed:
        verb = self.find(words)
        rest = words[len(verb.words) :]
        if "-" in rest:
            rest = _plain_dashes(rest, self._valued(verb))
        try:
            _, bound, _ = self._apps[verb.words].parse_args(
                list(rest), exit_on_error=False, print_error=False, help_on_error=False
            )
        except CycloptsError as error:
            raise _usage(error, verb) from error
        return Parsed(verb.run, bound.args, bound.kwargs)


def _unfinished(words: Sequence[str], noun: int, family: Sequence[Verb]) -> UsageError:
    """The first `noun` words begin verbs, and what follows them, if anything, goes on otherwise."""
    names = ", ".join(f"`{verb.name}`" for verb in family)
    why = f"there {'is' if len(family) == 1 else 'are'} {names}"
    if len(words) == noun:
        return UsageError(f'"{" ".join(words)}" is only the beginning of a verb', why=why)
    typed = " ".join(words[: noun + 1])
    near = difflib.get_close_matches(typed, [verb.name for verb in family], n=1)
    return UsageError(f'"{typed}" is not a verb', why=why, hint=f"did you mean `{near[0]}`?" if near else "")


def _plain_dashes(words: tuple[str, ...], valued: frozenset[str]) -> tuple[str, ...]:
    """A lone `-`, which cyclopts takes for an option, said so that it is a value: `--key=-`, or behind `--`."""
    end = words.index("--") if "--" in words else len(words)
    options: list[str] = []
    behind: list[str] = []
    for word in words[:end]:
        if word != "-":
            options.append(word)
        elif options and options[-1] in valued:
            options[-1] += "=-"
        else:
            behind.append(word)
    return (*options, *(["--", *behind, *words[end + 1 :]] if behind else words[end:]))


def _app(verb: Verb) -> App:
    app = App(
        name=verb.name,
        help_flags=[],
        version_flags=[],
        default_parameter=Parameter(negative=()),
        result_action="return_value",
    )
    app.default(verb.run)
    return app


def _option(argument: Argument) -> Option:
    names, about = ", ".join(argument.names), argument.parameter.help or ""
    if argument.index is not None:
        many = "…" if argument.field_info.kind is argument.field_info.VAR_POSITIONAL else ""
        return Option(names, f"{names}{many}" if argument.required else f"[{names}{many}]", about)
    usage = names.partition(",")[0] if argument.hint is bool else f"{names.partition(',')[0]} {_value(names)}"
    return Option(names, f"[{usage}]", about)


def _value(names: str) -> str:
    return names.partition(",")[0].removeprefix("--").upper()


def _usage(error: CycloptsError, verb: Verb) -> UsageError:
    hint = f"`help {verb.name}` shows how it is used"
    match error:
        case MissingArgumentError():
            return UsageError(f"`{verb.name}` lacks {_named(error)}", hint=hint)
        case UnknownOptionError():
            what, _, nearest = str(error).partition(" Did you mean ")
            option = what.removeprefix("Unknown option: ").rstrip(".")
            return UsageError(
                f"`{verb.name}` has no option {option}", hint=f"did you mean {nearest} {hint}" if nearest else hint
            )
        case UnusedCliTokensError():
            extra = " ".join(error.unused_tokens or ())
            return UsageError(f'`{verb.name}` does not take "{extra}"', hint=hint)
        case CoercionError() if error.token is not None and error.target_type in _KINDS:
            what, kind = error.argument.name if error.argument else "it", _KINDS[error.target_type]
            return UsageError(f'{what} takes {kind}, and "{error.token.value}" is none', hint=hint)
        case _:
            return UsageError(f"`{verb.name}`: {_plain(str(error))}", hint=hint)


def _named(error: MissingArgumentError) -> str:
    name = error.argument.name if error.argument is not None else "an argument"
    return f"a value after {name}" if name.startswith("-") else name


def _plain(message: str) -> str:
    return message.rstrip(".")
