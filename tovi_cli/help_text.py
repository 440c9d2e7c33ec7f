"""`help` and `VERB --help`: what can be typed, with examples that name the real host."""

from __future__ import annotations

from collections.abc import Sequence

from tovi_cli.call import Call
from tovi_cli.parse import Parser
from tovi_cli.verb import Verb

_FLAGS = frozenset({"--help", "-h"})


def is_asked(words: Sequence[str]) -> bool:
    """Whether these words ask for help instead of doing something."""
    options = words[: words.index("--")] if "--" in words else words
    return not words or words[0] == "help" or any(word in _FLAGS for word in options)


async def show(call: Call, parser: Parser) -> int:
    """Write the help that was asked for. Raises UsageError: for a verb that does not exist."""
    topic = [word for word in call.words if word not in _FLAGS and not word.startswith("-")]
    topic = topic[1:] if topic[:1] == ["help"] else topic
    host = (await call.api.server()).name
    if not topic:
        await call.put(_overview(parser, host))
    elif len(family := parser.starting_with(topic)) > 1 or (family and family[0].words != tuple(topic)):
        await call.put(_family(family, host))
    else:
        await call.put(_one(parser.find(topic), parser, host))
    return 0


def _overview(parser: Parser, host: str) -> str:
    verbs = parser.starting_with(())
    wide = max(len(verb.name) for verb in verbs)
    lines = [
        f"ssh {host} VERB …",
        "",
        *(f"  {verb.name:<{wide}}  {verb.summary}" for verb in verbs),
        f"  {'help VERB':<{wide}}  Options and examples of a verb.",
        "",
        f"  scp -r scans {host}:datasets/scans      upload a dataset",
        f"  scp -r {host}:jobs/12/ results          fetch results",
    ]
    return "\n".join(lines) + "\n"


def _family(verbs: Sequence[Verb], host: str) -> str:
    wide = max(len(verb.name) for verb in verbs)
    lines = [f"  {verb.name:<{wide}}  {verb.summary}" for verb in verbs]
    examples = [f"  {example.format(host=host)}" for verb in verbs for example in verb.examples]
    return "\n".join([*lines, "", *examples]) + "\n"


def _one(verb: Verb, parser: Parser, host: str) -> str:
    options = parser.options(verb)
    in_order = sorted(options, key=lambda option: option.usage.startswith("[-- "))
    usage = " ".join([f"ssh {host} {verb.name}", *(option.usage for option in in_order)])
    wide = max((len(option.names) for option in options), default=0)
    lines = [usage, "", *_about(verb)]
    if options:
        lines += ["", *(f"  {option.names:<{wide}}  {option.help}".rstrip() for option in options)]
    lines += ["", *(f"  {example.format(host=host)}" for example in verb.examples)]
    return "\n".join(lines) + "\n"


def _about(verb: Verb) -> list[str]:
    text = (verb.run.__doc__ or "").partition("Parameters\n")[0]
    return [line.strip() for line in text.strip().splitlines()]
