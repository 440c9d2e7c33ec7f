"""The folder of a job, and in it what all tasks of a stage share: data, inputs, code, and where setup's results lie."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scheduler.ports import Owner
from tovi_server.core import expand, script
from tovi_server.core.errors import NotFoundError
from tovi_server.core.ids import JobId, TaskId
from tovi_server.core.job import Frozen
from tovi_server.core.spec import Input, StageSpec
from tovi_server.files import datadir, snapshots
from tovi_server.files.datadir import DataDir
from tovi_server.files.job_places import ONLY_TASK
from tovi_server.files.modes import FOLDER
from tovi_server.files.removing import remove_tree
from tovi_server.files.writing import write_whole

_FILE: Final = 0o640
_STAGES: Final = "stages"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the tasks of a stage find around them, the same for all of them."""

    code: Path | None
    """None: no code travelled."""
    data: Path
    inputs: Path
    env: str | None
    """The folder for the results of `setup`, relative to the data directory; None: there is no `setup`."""
    shared: tuple[Path, ...]
    """All folders that they may read, beside `env`: code, datasets, and those of the jobs whose outputs they use."""


def lay_out_job(data: DataDir, frozen: Frozen) -> None:
    """The job's folder with its tovi.yaml and its manifest. Again is harmless."""
    path = datadir.job_path(frozen.project, frozen.id)
    if data.exists(f"{path}/{_STAGES}"):
        return
    data.make_folder(path, FOLDER)
    with data.folder(path) as folder:
        write_whole(folder, "tovi.yaml", frozen.text.encode("utf-8", "surrogateescape"), mode=_FILE)
        if frozen.snapshot is not None:
            manifest = snapshots.manifest_text(data, frozen.project, frozen.snapshot)
            write_whole(folder, "manifest.json", manifest, mode=_FILE)
        _point_at_only_task(folder, frozen)
    data.make_folder(f"{path}/{_STAGES}", FOLDER)


def _point_at_only_task(folder: int, frozen: Frozen) -> None:
    stages = frozen.spec.stages
    if len(stages) == 1 and expand.count(stages[0].cells) == 1:
        try:
            os.symlink(f"{stages[0].name}.0", ONLY_TASK, dir_fd=folder)
        except FileExistsError:
            return


def lay_out_stage(
    data: DataDir, frozen: Frozen, stage: StageSpec, *, origins: Sequence[JobId], owner: Owner
) -> Surroundings:
    """All that the tasks of a stage share. Again is harmless, and several may do it at once.

    `origins` are the jobs that hold outputs of tasks which this job did not run itself, nearest first.

    Raises:
        NotFoundError: outputs of an earlier stage are gone.
    """
    path = f"{datadir.job_path(frozen.project, frozen.id)}/{_STAGES}/{stage.name}"
    if not data.exists(path):
        _link(data, path, {"data": _data_links(data, frozen, stage), "in": _input_links(data, frozen, stage, origins)})
    code = None
    if frozen.snapshot is not None:
        snapshots.lay_out(data, frozen.project, frozen.snapshot)
        code = data.path(snapshots.tree_path(frozen.project, frozen.snapshot))
    return Surroundings(
        code=code,
        data=data.path(path, "data"),
        inputs=data.path(path, "in"),
        env=_make_env(data, frozen, stage, owner),
        shared=tuple(_shared(data, frozen, stage, origins, code)),
    )


def _shared(
    data: DataDir, frozen: Frozen, stage: StageSpec, origins: Sequence[JobId], code: Path | None
) -> Iterator[Path]:
    if code is not None:
        yield code
    for dataset in sorted({mount.dataset for mount in stage.data}):
        yield data.path(datadir.datasets_path(frozen.project), dataset)
    for job in dict.fromkeys((frozen.id, *origins)):
        path = datadir.job_path(frozen.project, job)
        if data.exists(path):
            yield data.path(path)


def need_datasets(data: DataDir, project: str, stage: StageSpec) -> None:
    """Raises:
    NotFoundError: a dataset of the stage is not there any more.
    """
    for mount in stage.data:
        if not data.exists(f"{datadir.datasets_path(project)}/{mount.dataset}"):
            raise NotFoundError(f'dataset "{mount.dataset}" is gone', why=f'stage "{stage.name}" uses it')


Links = Iterable[tuple[str, Path]]


def _link(data: DataDir, path: str, folders: dict[str, Links]) -> None:
    """Folders of links, all there or none."""
    above, _, name = path.rpartition("/")
    new = f".new-{secrets.token_hex(8)}"
    data.make_folder(f"{above}/{new}", FOLDER)
    for inner, links in folders.items():
        data.make_folder(f"{above}/{new}/{inner}", FOLDER)
        with data.folder(f"{above}/{new}/{inner}") as folder:
            for link, target in links:
                _make_way(folder, link)
                os.symlink(target, link, dir_fd=folder)
    with data.folder(above) as parent:
        try:
            os.rename(new, name, src_dir_fd=parent, dst_dir_fd=parent)
        except OSError:
            remove_tree(parent, new)
            if not data.exists(path):
                raise


def _make_way(folder: int, link: str) -> None:
    """Links lie one folder deep at most."""
    above = link.rpartition("/")[0]
    if above:
        try:
            os.mkdir(above, 0o750, dir_fd=folder)
        except FileExistsError:
            return


def _data_links(data: DataDir, frozen: Frozen, stage: StageSpec) -> Iterator[tuple[str, Path]]:
    for mount in stage.data:
        yield mount.name, data.path(datadir.datasets_path(frozen.project), mount.dataset)


def _input_links(
    data: DataDir, frozen: Frozen, stage: StageSpec, origins: Sequence[JobId]
) -> Iterator[tuple[str, Path]]:
    wanted = [Input(need, need, None) for need in stage.needs]
    wanted += [extra for extra in stage.inputs if extra.name not in stage.needs]
    for one in wanted:
        source = frozen.spec.stage(one.stage)
        paths = {output.name: output.path for output in source.outputs}
        inner = paths[one.output] if one.output is not None else ""
        total = expand.count(source.cells)
        for index in range(total):
            outputs = _outputs(data, frozen.project, (frozen.id, *origins), one.stage, index)
            yield one.name if total == 1 else f"{one.name}/{index}", outputs / inner


def _outputs(data: DataDir, project: str, jobs: Sequence[JobId], stage: str, index: int) -> Path:
    for job in jobs:
        path = f"{datadir.task_path(project, TaskId(job, stage, index))}/outputs"
        if data.exists(path):
            return data.path(path)
    raise NotFoundError(f"the outputs of {TaskId(jobs[0], stage, index)} are gone", why="a later stage needs them")


def _make_env(data: DataDir, frozen: Frozen, stage: StageSpec, owner: Owner) -> str | None:
    if stage.setup is None:
        return None
    path = env_path(data, frozen, stage, owner)
    if data.make_folder(path, FOLDER) and owner.uid is not None:
        with data.folder(path) as folder:
            os.chown(f"/proc/self/fd/{folder}", owner.uid, -1)
            os.chmod(f"/proc/self/fd/{folder}", FOLDER)
    return path


def env_path(data: DataDir, frozen: Frozen, stage: StageSpec, owner: Owner) -> str:
    """Where what `setup` makes is kept. People who have uids of their own do not run what others prepared."""
    files: dict[str, str] = {}
    if frozen.snapshot is not None:
        entries = snapshots.from_manifest(snapshots.manifest_text(data, frozen.project, frozen.snapshot))
        files = {entry.path: entry.hash for entry in entries if entry.hash is not None}
    path = f"{datadir.project_path(frozen.project)}/env/{script.env_key(stage, files)}"
    return path if owner.uid is None else f"{path}.{owner.uid}"
