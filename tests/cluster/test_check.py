"""`tovi-server check` in a real cluster, under Tovi's own rights, beside a server that runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests import kube
from tests.cluster.test_rights import no_pods_are_left, without
from tests.live import Live
from tests.pods import Place
from tests.waiting import eventually

WITHIN_S: Final = 120.0


@pytest.fixture(scope="module")
def live(place: Place) -> Iterator[Live]:
    with place.server('image_pull_deadline = "60s"\n') as server:
        yield server


def words(live: Live, *more: str, changed: Mapping[str, str] | None = None) -> list[str]:
    """A command line of `check`, with some lines of the server's settings changed."""
    settings = (live.folder / "tovi.toml").read_text()
    for before, after in (changed or {}).items():
        assert before in settings
        settings = settings.replace(before, after)
    file = live.folder / "check.toml"
    file.write_text(settings)
    return [sys.executable, "-m", "tovi_server", "check", "--data", str(live.data), "--config", str(file), *more]


def check(live: Live, *more: str, changed: Mapping[str, str] | None = None) -> tuple[int, str]:
    ended = subprocess.run(
        words(live, *more, changed=changed), capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert ended.stderr == ""
    return ended.returncode, ended.stdout


def line(told: str, what: str) -> str:
    """What is told first of something, with its standing."""
    return next(line for line in told.splitlines() if line[7:].startswith(f"{what}: "))


def test_where_all_is_well_a_task_proves_it_and_nothing_is_left_of_it(live: Live, place: Place) -> None:
    code, told = check(live)

    assert code == 0, told
    assert f"as uid 10001, gid 10001, from {place.image}; it read a file of the data directory" in line(
        told, "probe task"
    )
    assert line(told, "pod security") == f"fine   pod security: {place.namespace} enforces the level restricted"
    assert line(told, "claim").startswith(f"note   claim: {place.claim} in {place.namespace} is not visible")
    assert line(told, "process limit").startswith("note")
    assert f"Tovi is system:serviceaccount:{place.namespace}:tovi to it" in line(told, "api server")
    no_pods_are_left(place)
    assert probes_of(live) == []


def test_no_task_is_run_where_none_is_wanted(live: Live) -> None:
    code, told = check(live, "--no-task")

    assert (code, "probe task: " in told) == (0, False)


def test_every_right_that_is_missing_is_named_with_its_rule(live: Live, place: Place) -> None:
    missing = kube.IN_NAMESPACE | kube.EVERYWHERE

    with without(place, *missing):
        code, told = check(live)

    assert code == 1
    for verb, what in kube.IN_NAMESPACE - {("get", "pods/log")}:
        assert f"Tovi lacks the right to {verb} {what} in {place.namespace}: " in told
    for verb, what in kube.EVERYWHERE:
        assert f"Tovi lacks the right to {verb} {what}{' in all namespaces' if what == 'pods' else ''}: " in told
    rule = ['- apiGroups: [""]', "  resources: [nodes]", "  verbs: [watch]"]
    assert "".join(f"         {line}\n" for line in rule) in told


def test_an_admin_sees_the_claim_and_the_limit_of_processes(live: Live, place: Place) -> None:
    code, told = check(live, changed={str(place.kubeconfig): str(kube.admin_kubeconfig())})

    assert code == 0, told
    assert line(told, "claim").startswith("fine")
    assert "is not visible" not in line(told, "process limit")


def test_a_volume_that_is_another_one_is_told(live: Live) -> None:
    code, told = check(live, changed={f'claim_path = "{live.data.name}"': 'claim_path = "elsewhere"'})

    assert (code, line(told, "probe task")[:5]) == (1, "short")
    assert "claim and claim_path must name the place where the data directory lies" in told


def test_an_image_that_cannot_be_had_is_told(live: Live, place: Place) -> None:
    code, told = check(live, changed={place.image: "tovi.test/no-such:1"})

    assert code == 1
    assert "ErrImagePull" in line(told, "probe task")
    assert "nodes must be able to pull tovi.test/no-such:1" in told


def test_a_namespace_that_is_not_there_comes_with_what_makes_it(live: Live, place: Place) -> None:
    changed = {str(place.kubeconfig): str(kube.admin_kubeconfig()), f'"{place.namespace}"': '"tovi-no-such"'}

    code, told = check(live, "--no-task", changed=changed)

    assert (code, "kubectl create namespace tovi-no-such\n" in told) == (1, True)


def test_a_namespace_that_lets_every_pod_in_is_told(live: Live, place: Place) -> None:
    label = "pod-security.kubernetes.io/enforce"
    kube.kubectl("label", "namespace", place.namespace, f"{label}-")
    try:
        code, told = check(live, "--no-task")
    finally:
        kube.kubectl("label", "namespace", place.namespace, f"{label}=restricted")

    assert (code, line(told, "pod security")[:4]) == (0, "note")
    assert f"kubectl label --overwrite namespace {place.namespace} {label}=restricted" in told


def test_a_cluster_that_does_not_answer_is_told(live: Live, place: Place, tmp_path: Path) -> None:
    nowhere = tmp_path / "kubeconfig"
    nowhere.write_text(place.kubeconfig.read_text().replace(":6443", ":1"))

    code, told = check(live, changed={str(place.kubeconfig): str(nowhere)})

    assert (code, line(told, "api server")[:5]) == (1, "short")


@pytest.mark.parametrize(
    ("number", "program_words"),
    [
        pytest.param(signal.SIGTERM, (), id="TERM"),
        pytest.param(signal.SIGINT, (), id="Ctrl-C"),
        pytest.param(signal.SIGTERM, ("env", "--ignore-signal=INT"), id="TERM in the background of a script"),
    ],
)
def test_a_check_that_is_interrupted_removes_its_task(
    live: Live, place: Place, number: signal.Signals, program_words: Sequence[str]
) -> None:
    no_pods_are_left(place)
    checking = words(live, changed={f'claim = "{place.claim}"': 'claim = "no-such-claim"'})
    program = subprocess.Popen([*program_words, *checking], stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: bool(kube.of_tovi(place.namespace)), "there is a pod, which cannot start")
        program.send_signal(number)
        code = program.wait(WITHIN_S)
    finally:
        program.kill()
        program.wait()

    assert code == 130
    no_pods_are_left(place)
    assert probes_of(live) == []


def probes_of(live: Live) -> list[str]:
    """The folders of probe tasks that are there."""
    return [name for name in os.listdir(live.data / "scratch") if name.startswith("probe.")]
