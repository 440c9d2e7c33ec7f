"""What jobs leave behind and what they read: `metrics`, `outputs`, `datasets`, `dataset show`."""

from __future__ import annotations

from tovi_cli.call import Call, Id, Injected, Name
from tovi_cli.form import TABLE, Form
from tovi_cli.output import Column, Document, Listing, show_document, show_list
from tovi_cli.verb import Verb
from tovi_server.core.ids import parse_reference
from tovi_server.core.views import DatasetView, FileView, MetricsRow, OutputView

OUTPUTS: tuple[Column[OutputView], ...] = (Column("task", "TASK"), Column("size_bytes", "SIZE"), Column("path", "PATH"))
DATASETS: tuple[Column[DatasetView], ...] = (
    Column("name", "NAME"),
    Column("project", "PROJECT"),
    Column("files_total", "FILES"),
    Column("size_bytes", "SIZE"),
    Column("modified_at", "MODIFIED"),
)
FILES: tuple[Column[FileView], ...] = (
    Column("size_bytes", "SIZE"),
    Column("modified_at", "MODIFIED"),
    Column("path", "PATH"),
)


async def metrics(reference: Id, /, *, form: Form = TABLE, call: Injected) -> int:
    """The numbers that all tasks reported, as one table."""
    rows = await call.api.metrics(parse_reference(reference))
    columns = _metric_columns(rows)
    await show_list(
        call, form, Listing("tovi.metrics/1", "tovi.metrics-row/1", rows, columns, empty="no task reported metrics")
    )
    return 0


def _metric_columns(rows: tuple[MetricsRow, ...]) -> tuple[Column[MetricsRow], ...]:
    params = list(dict.fromkeys(name for row in rows for name in row.params))
    names = list(dict.fromkeys(name for row in rows for name in row.metrics))
    return (
        Column("task", "TASK"),
        Column("state", "STATE"),
        *(Column(f"params.{name}", name) for name in params),
        *(Column(f"metrics.{name}", name) for name in names),
    )


async def outputs(reference: Id, /, *, form: Form = TABLE, call: Injected) -> int:
    """The files it left: sizes, and the paths for scp and sftp."""
    files = await call.api.outputs(parse_reference(reference))
    await show_list(call, form, Listing("tovi.outputs/1", "tovi.output/1", files, OUTPUTS, empty="it left no files"))
    return 0


async def datasets(*, project: str | None = None, form: Form = TABLE, call: Injected) -> int:
    """The datasets of a project.

    Parameters
    ----------
    project
        Of this project; otherwise of your current one.
    """
    found = await call.api.datasets(project=project)
    host = (await call.api.server()).name if not found else ""
    empty = f"no datasets; upload one with `scp -r FOLDER {host}:datasets/NAME`"
    await show_list(call, form, Listing("tovi.datasets/1", "tovi.dataset/1", found, DATASETS, empty))
    return 0


async def dataset_show(name: Name, /, *, project: str | None = None, form: Form = TABLE, call: Injected) -> int:
    """One dataset and its files.

    Parameters
    ----------
    project
        Of this project; otherwise of your current one.
    """
    dataset = await call.api.dataset(name, project=project)
    if not await show_document(call, form, Document("tovi.dataset/1", dataset)):
        await _files(call, dataset)
    return 0


async def _files(call: Call, dataset: DatasetView) -> None:
    await show_list(call, TABLE, Listing("", "", (dataset,), DATASETS, empty=""))
    if dataset.files:
        await call.put("\n")
    await show_list(call, TABLE, Listing("", "", dataset.files, FILES, empty="it has no files"))


VERBS = (
    Verb(
        ("metrics",), metrics, ("ssh {host} metrics 12", "ssh {host} metrics 12 --fields task,params.lr,metrics.loss")
    ),
    Verb(("outputs",), outputs, ("ssh {host} outputs 12", "scp -r {host}:jobs/12/ results")),
    Verb(("datasets",), datasets, ("ssh {host} datasets", "scp -r scans {host}:datasets/scans")),
    Verb(("dataset", "show"), dataset_show, ("ssh {host} dataset show scans",)),
)
