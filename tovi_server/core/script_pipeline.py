"""A whole pipeline as one POSIX sh script, for a machine that has nothing of Tovi.

Stages run in the server's order, task by task, with the same variables, scripts, retries and rules for skipping, and
leave the same tree under `$TOVI_ROOT` (`./tovi-out`). What only a cluster can do (requests, queues, images) is
left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tovi_server.core import expand, graph, script_pipeline_parts
from tovi_server.core.errors import InvalidSpecError
from tovi_server.core.retry import Cause, RetryPolicy
from tovi_server.core.script_quote import quote
from tovi_server.core.script_setup import USUAL_SETUP_FILES, env_key
from tovi_server.core.script_task import cell_variables, stage_script
from tovi_server.core.script_task_parts import RUN
from tovi_server.core.spec import Input, Spec, StageSpec

MOST_TASKS: Final = 10_000
"""One after the other, more would hardly end; and the script has a line for each."""


def compile_pipeline(spec: Spec) -> str:
    """The script. It ends with 0 if every task succeeded, else with 1.

    Raises:
        InvalidSpecError: the pipeline has too many tasks for one machine.
    """
    total = sum(expand.count(stage.cells) for stage in spec.stages)
    if total > MOST_TASKS:
        why = f"one script runs at most {MOST_TASKS}, one after the other"
        raise InvalidSpecError(f"the pipeline has {total} tasks", why=why, hint="submit it")
    order = graph.order({stage.name: stage.needs for stage in spec.stages})
    stages = "\n".join(_stage(spec.stage(name), spec) for name in order)
    fixed = (script_pipeline_parts.BEGIN, RUN, script_pipeline_parts.STAGE, script_pipeline_parts.TASK)
    # A function, run by the last line: a script that arrives in part runs nothing.
    main = f'tovi_main() {{\ntovi_begin\n{stages}\nexit "$tovi_bad"\n}}\ntovi_main\n'
    return "".join((f"#!/bin/sh\n# A pipeline of {total} tasks, compiled by Tovi.\n", *fixed, "\n", main))


def _stage(stage: StageSpec, spec: Spec) -> str:
    lines = [f"\n# {stage.name}", f"if tovi_stage {' '.join((stage.name, *stage.needs))}; then"]
    lines += [*_surroundings(stage, spec), *_tasks(stage), "tovi_stage_end", "fi"]
    return "\n".join(lines)


def _surroundings(stage: StageSpec, spec: Spec) -> Iterator[str]:
    """What all tasks of the stage share: limits, data, inputs, the script."""
    yield f"tovi_tasks={expand.count(stage.cells)} tovi_limit={int(stage.timeout.total_seconds())}"
    yield f"tovi_retry={quote(_retried(stage.retries))} tovi_metrics={quote(stage.metrics or '')}"
    yield f"export TOVI_GPUS={stage.request.gpus}"
    yield from (f"tovi_data {quote(mount.name)} {quote(mount.dataset)}" for mount in stage.data)
    yield from (_input(wanted, spec) for wanted in stage.inputs if wanted.name not in stage.needs)
    if stage.setup is not None:
        yield f"tovi_env {env_key(stage, {})[:16]} {_setup_files(stage)}"
    text = stage_script(stage)
    end = _delimiter(text)
    yield f"cat >\"$tovi_script\" <<'{end}' || exit\n{text}{end}"


def _tasks(stage: StageSpec) -> Iterator[str]:
    tries = stage.retries.max + 1
    for index in range(expand.count(stage.cells)):
        yield cell_variables(stage, expand.cell(stage, index))
        yield f"tovi_task {index} {tries}"
    names = {**stage.env, **expand.cell(stage, 0).params}
    yield " ".join(("unset", "TOVI_INDEX", *names))


def _input(wanted: Input, spec: Spec) -> str:
    paths = {output.name: output.path for output in spec.stage(wanted.stage).outputs}
    path = "" if wanted.output is None else paths[wanted.output]
    return f"tovi_input {quote(wanted.name)} {wanted.stage} {quote(path)}"


def _retried(policy: RetryPolicy) -> str:
    """The causes and exit codes that are tried again, as words."""
    causes = policy.when if policy.when or policy.exit_codes else tuple(Cause)
    return " ".join((*(cause.value for cause in causes), *(str(code) for code in policy.exit_codes)))


def _setup_files(stage: StageSpec) -> str:
    if stage.setup_files is None:
        return " ".join(USUAL_SETUP_FILES)
    return " ".join(quote(path) for path in stage.setup_files)


def _delimiter(text: str) -> str:
    """A line that is not in the text."""
    lines = set(text.splitlines())
    return next(end for number in range(len(lines) + 1) if (end := f"TOVI_SCRIPT_{number}") not in lines)
