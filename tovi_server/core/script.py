"""A task as one POSIX sh script: the same text runs it on every executor, and on a laptop.

What people wrote gets into the script in one form only, as a quoted word; so no value is ever read as shell, but for
`run` and `setup`, which are shell and run in a shell of their own. `run` is plain shell: as in a terminal, a line that
fails does not stop the next one. `setup` stops at the first failure (`sh -e`), since what it leaves is used again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Final

from tovi_server.core import script_parts
from tovi_server.core.expand import Cell
from tovi_server.core.spec import StageSpec

USUAL_SETUP_FILES: Final = (
    "requirements*.txt",
    "pyproject.toml",
    "uv.lock",
    "poetry.lock",
    "environment.yml",
    "package.json",
    "package-lock.json",
)
"""What `setup` is taken to depend on, at the top of the code, when the file does not say."""

_SETUP_RULES: Final = "1"
"""Changes when `script_parts.SETUP` makes something else of the same text, so that nothing old is used for it."""


def render(stage: StageSpec, cell: Cell) -> str:
    """The script of one task. Its exit code is that of `run`.

    It expects the variables of `docs/reference/environment.md` but TOVI_INDEX, and writes why it ended otherwise than
    by `run` to `$TOVI_SCRATCH/ended`: `setup-failed`, or `outputs-missing PATH`, as a hint for who supervises it.
    """
    return f"#!/bin/sh\n# One task of the stage {stage.name}.\n{cell_variables(stage, cell)}\n{stage_script(stage)}"


def cell_variables(stage: StageSpec, cell: Cell) -> str:
    """The line that sets what makes a task differ from the others: its parameters and TOVI_INDEX."""
    return "export " + " ".join(_assignments({"TOVI_INDEX": cell.index_text, **stage.env, **cell.params}))


def stage_script(stage: StageSpec) -> str:
    """The script of any task of the stage, once its own variables are set."""
    parts = [script_parts.FOLDERS, script_parts.COPY, script_parts.RUN]
    if stage.setup is not None:
        parts += [f"\ntovi_setup_text={quote(stage.setup)}\n", script_parts.SETUP]
    parts += [script_parts.WORK, f"tovi_run sh -c {quote(stage.run)}\n"]
    wanted = list(_collected(stage))
    if wanted:
        parts += [script_parts.COLLECT, "\n".join(wanted), "\n"]
    parts.append('exit "$tovi_code"\n')
    return "".join(parts)


def quote(text: str) -> str:
    """The text as one word of a shell line, byte for byte."""
    return "'" + text.replace("'", "'\\''") + "'"


def env_key(stage: StageSpec, files: Mapping[str, str]) -> str:
    """What names the results of a stage's `setup`: the same key, the same results.

    `files` are the hashes of the code's files by path; those that are no setup files make no difference.
    """
    parts = [_SETUP_RULES, stage.setup or "", stage.image or ""]
    parts += [f"{path}\0{files[path]}" for path in sorted(files) if is_setup_file(stage, path)]
    digest = sha256()
    for part in parts:
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()


def is_setup_file(stage: StageSpec, path: str) -> bool:
    """Whether a change of that file makes `setup` run again."""
    if stage.setup_files is not None:
        return path in stage.setup_files
    return "/" not in path and any(fnmatchcase(path, usual) for usual in USUAL_SETUP_FILES)


def _assignments(variables: Mapping[str, str]) -> Iterator[str]:
    return (f"{name}={quote(value)}" for name, value in variables.items())


def _collected(stage: StageSpec) -> Iterator[str]:
    """The lines that collect outputs, outer folders first, and metrics, which may be missing."""
    outputs = sorted({output.path for output in stage.outputs}, key=lambda path: path.count("/"))
    yield from (f"tovi_need {quote(path)}" for path in outputs)
    if stage.metrics is not None and stage.metrics not in outputs:
        yield f"tovi_collect {quote(stage.metrics)}"
