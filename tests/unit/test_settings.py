"""The settings of a server: what beats what, and what is refused."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path

import pytest

from tovi_server.app.settings_text import settings_text
from tovi_server.core.errors import UsageError
from tovi_server.core.resources import GIB
from tovi_server.settings import Settings, read_settings, split_address


def written(folder: Path, text: str) -> Path:
    file = folder / "tovi.toml"
    file.write_text(text)
    return file


def refusal(file: Path, **given: object) -> str:
    with pytest.raises(UsageError) as caught:
        read_settings(file, arguments=given)
    return str(caught.value)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    settings = read_settings(tmp_path / "none")

    assert settings.server.listen == ("127.0.0.1:2222",)
    assert settings.scheduler.interval == timedelta(seconds=2)


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no settings file"):
        read_settings(tmp_path / "none", required=True)


def test_the_command_line_beats_variables_beats_the_file_beats_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, '[scheduler]\ninterval = "5s"\npolicy = "mine.toml"\nqueues = ["a", "b"]')
    monkeypatch.setenv("TOVI_SERVER__SCHEDULER__INTERVAL", "7s")
    monkeypatch.setenv("TOVI_SERVER__SCHEDULER__POLICY", "ours.toml")

    scheduler = read_settings(file, arguments={"scheduler": {"interval": "9s"}}).scheduler

    assert (scheduler.interval, scheduler.policy, scheduler.queues) == (timedelta(seconds=9), "ours.toml", ("a", "b"))


def test_the_printed_settings_of_a_cluster_read_back_the_same(tmp_path: Path) -> None:
    text = """[executor.kubernetes]
node_selector = {"kind.example/x" = "gpu"}
tolerations = [{key = "gpu", operator = "Exists"}]
"""
    settings = read_settings(written(tmp_path, text))

    assert read_settings(written(tmp_path, settings_text(settings))).model_dump() == settings.model_dump()
    assert settings.executor.kubernetes.tolerations[0].key == "gpu"


@pytest.mark.parametrize(
    ("toleration", "says"),
    [
        ("{}", "without a key it tolerates everything"),
        ('{value = "yes"}', "without a key it tolerates everything"),
        ('{key = "gpu", operator = "Exists", value = "yes"}', "it has no value"),
    ],
)
def test_a_toleration_that_no_pod_could_have_is_refused(tmp_path: Path, toleration: str, says: str) -> None:
    assert says in refusal(written(tmp_path, f"[executor.kubernetes]\ntolerations = [{toleration}]"))


def test_what_tovi_relies_on_is_not_given_to_a_projects_pods_otherwise(tmp_path: Path) -> None:
    text = '[executor.kubernetes.projects.lens.labels]\n"tovi.dev/job" = "7"'
    assert '"tovi.dev/job" is set by Tovi itself' in refusal(written(tmp_path, text))


def test_lengths_of_time_and_amounts_are_written_as_in_a_job_file(tmp_path: Path) -> None:
    local = read_settings(
        written(tmp_path, '[executor.local]\ngrace = "1m30s"\nmemory = "32G"\ncpus = 3')
    ).executor.local

    assert (local.grace, local.memory, local.cpus) == (timedelta(seconds=90), 32 * GIB, 3)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[server]\nlisten_on = []", "server.listen_on"),
        ("[sever]", "sever"),
        ('[server]\nlisten = ["localhost:22"]', "server.listen.0"),
        ("[server]\nlisten = []", "server.listen"),
        ('[scheduler]\ninterval = "2 seconds"', "scheduler.interval"),
        ('[executor.local]\nmemory = "32"', "executor.local.memory"),
        ("[limits]\nkeys_tried = 'many'", "limits.keys_tried"),
    ],
)
def test_what_is_unknown_or_wrong_is_named(tmp_path: Path, text: str, field: str) -> None:
    assert f'the setting "{field}" is wrong' in refusal(written(tmp_path, text))


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "tovi.toml") in refusal(written(tmp_path, "[server"))


def test_a_variable_of_no_section_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOVI_SERVER__SCHEDULE__INTERVAL", "1s")

    assert "TOVI_SERVER__SCHEDULE__INTERVAL sets nothing" in refusal(tmp_path / "none")


def test_the_printed_settings_read_back_the_same(tmp_path: Path) -> None:
    settings = read_settings(
        tmp_path / "none",
        arguments={
            "server": {"listen": ["[::1]:22", "10.0.0.1:2222"], "receivers": 3, "drain": "1m30s"},
            "executor": {"local": {"memory": "8G", "shared_uid": True}},
            "limits": {"trusted_sources": ["10.0.0.0/8"]},
        },
    )

    again = read_settings(written(tmp_path, settings_text(settings)))

    assert again.model_dump() == settings.model_dump()


def test_every_setting_has_its_sentence() -> None:
    lines = settings_text(Settings()).splitlines()

    bare = [line for before, line in itertools.pairwise(lines) if " =" in line and before[:2] != "# "]

    assert bare == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::]:22", ("::", 22)), ("0.0.0.0:65535", ("0.0.0.0", 65535))],
)
def test_an_address_has_a_host_and_a_port(text: str, expected: tuple[str, int]) -> None:
    assert split_address(text) == expected


@pytest.mark.parametrize("text", ["", "22", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "example:22", "127.0.0.1:²"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="address"):
        split_address(text)


@pytest.mark.parametrize(("url", "is_shared"), [("sqlite:///tovi.db", False), ("postgresql://db/tovi", True)])
def test_only_postgresql_is_shared_by_machines(tmp_path: Path, url: str, is_shared: bool) -> None:
    settings = read_settings(written(tmp_path, f'[database]\nurl = "{url}"'))

    assert settings.database.is_shared is is_shared


def test_the_address_of_probes_is_checked_and_may_be_none(tmp_path: Path) -> None:
    assert read_settings(written(tmp_path, '[server]\nhealth = ""')).server.health == ""
    assert '"everywhere" is no IP address' in refusal(written(tmp_path, '[server]\nhealth = "everywhere:80"'))
