"""A task as one POSIX sh script: the same text runs it on every executor, and on a laptop.

What people wrote gets into the script in one form only, as a quoted word; so no value is ever read as shell, but for
`run` and `setup`, which are shell and run in a shell of their own. `run` is plain shell: as in a terminal, a line that
fails does not stop the next one. `setup` stops at the first failure (`sh -e`), since what it leaves is used again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tovi_server.core import script_task_parts
from tovi_server.core.expand import Cell
from tovi_server.core.script_quote import quote
from tovi_server.core.spec import StageSpec


def render(stage: StageSpec, cell: Cell) -> str:
    """The script of one task. Its exit code is that of `run`.

    Who runs it sets TOVI_SCRATCH (a private folder), TOVI_OUT, TOVI_CODE (empty when no code travelled), TOVI_ENV (when
    there is a `setup`) and what else programs are promised. If something else than `run` ended it, the script says so
    in `$TOVI_SCRATCH/ended`, as a hint: `setup-failed`, or `outputs-missing PATH`.
    """
    return f"#!/bin/sh\n# One task of the stage {stage.name}.\n{cell_variables(stage, cell)}\n{stage_script(stage)}"


def cell_variables(stage: StageSpec, cell: Cell) -> str:
    """The line that sets what makes a task differ from the others: its parameters and TOVI_INDEX."""
    return "export " + " ".join(_assignments({"TOVI_INDEX": cell.index_text, **stage.env, **cell.params}))


def stage_script(stage: StageSpec) -> str:
    """The script of any task of the stage, once its own variables are set."""
    parts = [script_task_parts.FOLDERS, script_task_parts.COPY, script_task_parts.RUN]
    if stage.setup is not None:
        parts += [f"\ntovi_setup_text={quote(stage.setup)}\n", script_task_parts.SETUP]
    parts += [script_task_parts.WORK, f"tovi_run sh -c -- {quote(stage.run)}\n"]
    wanted = list(_collected(stage))
    if wanted:
        parts += [script_task_parts.COLLECT, "\n".join(wanted), "\n"]
    parts.append('exit "$tovi_code"\n')
    return "".join(parts)


def _assignments(variables: Mapping[str, str]) -> Iterator[str]:
    return (f"{name}={quote(value)}" for name, value in variables.items())


def _collected(stage: StageSpec) -> Iterator[str]:
    """The lines that collect outputs, outer folders first, and metrics, which may be missing."""
    outputs = sorted({output.path for output in stage.outputs}, key=lambda path: path.count("/"))
    yield from (f"tovi_need {quote(path)}" for path in outputs)
    if stage.metrics is not None and stage.metrics not in outputs:
        yield f"tovi_collect {quote(stage.metrics)}"
