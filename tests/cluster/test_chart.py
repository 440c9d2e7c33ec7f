"""The chart as it is rendered: who may do what, what is let through, what is refused. No server is asked."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import kube
from tests.helm import CHART, LEAST, Values, helm, one, over, refusal, render
from tovi_server.settings import read_settings

BUNDLED: Values = {"postgresql": {"bundled": {"enabled": True}}}


def pod_of(part: str, *more: Values) -> Mapping[str, Any]:
    pod: Mapping[str, Any] = one(render(*more), "Deployment", f"tovi-{part}")["spec"]["template"]["spec"]
    return pod


def tovi_toml(*more: Values) -> str:
    text: str = one(render(*more), "ConfigMap", "tovi")["data"]["tovi.toml"]
    return text


def test_there_is_nothing_to_complain_of() -> None:
    ended = helm("lint", "--strict", CHART, values=over(LEAST, BUNDLED))
    assert (ended.returncode, "WARNING" in ended.stdout) == (0, False), ended.stdout


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"recever": {"replicas": 3}}, "recever"),
        ({"receiver": {"replica": 3}}, "replica"),
        ({"settings": {"server": {"receiver": 3}}}, "receiver"),
        ({"settings": {"server": {"listen": ["0.0.0.0:22"]}}}, "listen"),
        ({"service": {"type": "ClusterIP"}}, "/service/type"),
        ({"tasks": {"podSecurity": "restrictd"}}, "/tasks/podSecurity"),
        ({"uid": 0}, "/uid"),
        ({"health": {"port": 80}}, "/health/port"),
        ({"admin": {"publicKey": "/home/ada/.ssh/id_ed25519.pub"}}, "/admin/publicKey"),
        ({"admin": {"publicKey": ""}}, "admin.publicKey: set it to the line"),
        ({"database": {"existingSecret": ""}}, "database.existingSecret: name a Secret"),
        ({"data": {"storageClassName": ""}}, "data: say where the data directory lies"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_a_value_that_is_wrong_or_misspelt_is_refused(values: Values, said: str) -> None:
    assert said in refusal(values)


def test_the_settings_file_is_one_that_the_server_reads(tmp_path: Path) -> None:
    (tmp_path / "tovi.toml").write_text(
        tovi_toml(
            {
                "host": "tovi.lab",
                "tasks": {"namespace": "work"},
                "service": {"type": "NodePort", "nodePort": 30022},
                "settings": {
                    "limits": {"connections_per_user": 64},
                    "executor": {"kubernetes": {"tolerations": [{"key": "gpu", "operator": "Exists"}]}},
                },
            }
        )
    )
    settings = read_settings(tmp_path / "tovi.toml", required=True)

    assert (settings.server.name, settings.server.port, settings.server.receivers) == ("tovi.lab", 30022, 2)
    assert (settings.executor.kind, settings.executor.kubernetes.namespace) == ("kubernetes", "work")
    assert settings.executor.kubernetes.tolerations[0].key == "gpu"
    assert settings.limits.connections_per_user == 64


def test_a_policy_is_beside_the_settings() -> None:
    files = one(render({"policy": 'order = "priority-fifo"\n'}), "ConfigMap", "tovi")["data"]
    assert files["policy.toml"] == 'order = "priority-fifo"\n'
    assert tomllib.loads(files["tovi.toml"])["scheduler"]["policy"] == "/etc/tovi/policy.toml"


def rights(rules: Sequence[Mapping[str, Any]]) -> set[kube.Rule]:
    assert {group for rule in rules for group in rule["apiGroups"]} == {""}
    return {(verb, resource) for rule in rules for verb in rule["verbs"] for resource in rule["resources"]}


@pytest.mark.parametrize(("binding", "more"), [("tovi", set()), ("kube-scheduler", set()), ("api", {kube.BINDING})])
def test_rights_are_those_that_the_cluster_suite_runs_with_and_no_more(binding: str, more: set[kube.Rule]) -> None:
    things = render({"settings": {"executor": {"kubernetes": {"binding": binding}}}})

    given = {
        (thing["kind"], thing["metadata"].get("namespace")): rights(thing["rules"])
        for thing in things
        if "rules" in thing
    }
    assert given == {("Role", "tovi"): kube.IN_NAMESPACE | more, ("ClusterRole", None): kube.EVERYWHERE}


def test_rights_are_the_schedulers_alone() -> None:
    subjects = [subject for thing in render() for subject in thing.get("subjects", ())]
    assert subjects == [{"kind": "ServiceAccount", "namespace": "tovi-system", "name": "tovi-scheduler"}] * 2


@pytest.mark.parametrize(("part", "has_token"), [("receiver", False), ("scheduler", True)])
def test_only_schedulers_have_a_token(part: str, has_token: bool) -> None:
    things, pod = render(), pod_of(part)
    assert one(things, "ServiceAccount", f"tovi-{part}")["automountServiceAccountToken"] is False
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == (f"tovi-{part}", has_token)


def test_only_receivers_have_host_keys() -> None:
    with_secrets = {
        part: [volume["secret"]["secretName"] for volume in pod_of(part)["volumes"] if "secret" in volume]
        for part in ("receiver", "scheduler")
    }
    assert with_secrets == {"receiver": ["host-keys"], "scheduler": []}


@pytest.mark.parametrize("part", ["receiver", "scheduler"])
def test_every_container_of_the_server_has_as_little_as_it_needs(part: str) -> None:
    pod = pod_of(part)
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in [*pod["initContainers"], *pod["containers"]]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"], container["name"]


def test_a_pod_is_given_the_time_that_open_sessions_have_and_more() -> None:
    assert pod_of("receiver", {"settings": {"server": {"drain": "1h30m"}}})["terminationGracePeriodSeconds"] == 5435


def test_a_changed_setting_rolls_the_pods_and_an_unchanged_one_does_not() -> None:
    first, again, other = (
        one(render(values), "Deployment", "tovi-receiver")["spec"]["template"]["metadata"]["annotations"]
        for values in ({}, {}, {"settings": {"server": {"drain": "5s"}}})
    )
    assert first == again
    assert first != other


def test_of_each_part_one_pod_at_most_may_be_away() -> None:
    budgets = {
        thing["metadata"]["name"]: thing["spec"]["maxUnavailable"]
        for thing in render()
        if thing["kind"] == "PodDisruptionBudget"
    }
    assert budgets == {"tovi-receiver": 1, "tovi-scheduler": 1}


def test_two_claims_are_made_for_one_volume() -> None:
    nfs = {"server": "10.0.0.5", "path": "/export/tovi"}
    things = render({"data": {"storageClassName": "", "volume": {"nfs": nfs}}})

    claims = {
        (thing["metadata"]["namespace"], thing["metadata"]["name"]): thing["spec"]["volumeName"]
        for thing in things
        if thing["kind"] == "PersistentVolumeClaim"
    }
    volumes = {thing["metadata"]["name"]: thing["spec"] for thing in things if thing["kind"] == "PersistentVolume"}
    assert [*claims] == [("tovi-system", "tovi-data"), ("tovi", "tovi-data")]
    assert [volumes[name]["nfs"] for name in claims.values()] == [nfs, nfs]
    assert {spec["persistentVolumeReclaimPolicy"] for spec in volumes.values()} == {"Retain"}


def test_claims_that_are_there_are_used() -> None:
    things = render({"data": {"server": {"existingClaim": "here"}, "tasks": {"existingClaim": "there"}}})
    data = one(things, "Deployment", "tovi-scheduler")["spec"]["template"]["spec"]["volumes"][0]

    assert not [thing for thing in things if thing["kind"] == "PersistentVolumeClaim"]
    assert data["persistentVolumeClaim"] == {"claimName": "here"}
    assert (
        tomllib.loads(one(things, "ConfigMap", "tovi")["data"]["tovi.toml"])["executor"]["kubernetes"]["claim"]
        == "there"
    )


def test_in_a_single_namespace_a_single_claim_does() -> None:
    things = render({"tasks": {"namespace": "tovi-system"}})
    kinds = [thing["kind"] for thing in things]
    assert (kinds.count("PersistentVolumeClaim"), kinds.count("Namespace")) == (1, 0)


def test_what_people_work_with_is_kept_when_the_release_is_removed() -> None:
    volume = {"nfs": {"server": "10.0.0.5", "path": "/export/tovi"}}
    things = render(BUNDLED, {"data": {"volume": volume}, "hostKeys": {"existingSecret": ""}})
    kept = {
        (thing["kind"], thing["metadata"]["name"])
        for thing in things
        if thing["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    }
    assert kept == {
        ("Namespace", "tovi"),
        ("PersistentVolume", "tovi-system-tovi-server"),
        ("PersistentVolume", "tovi-system-tovi-tasks"),
        ("PersistentVolumeClaim", "tovi-data"),
        ("Secret", "tovi-host-keys"),
        ("Secret", "tovi-postgresql"),
    }


def test_the_namespace_of_tasks_enforces_what_their_pods_satisfy() -> None:
    labels = one(render(), "Namespace", "tovi")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def policies(*more: Values) -> dict[str, Mapping[str, Any]]:
    return {thing["metadata"]["name"]: thing["spec"] for thing in render(*more) if thing["kind"] == "NetworkPolicy"}


DNS = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
EVERYBODY_ELSE = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"),
]


def test_tasks_reach_the_internet_and_nothing_nearer_and_nobody_reaches_them() -> None:
    policy = policies()["tovi-tasks"]
    assert policy["podSelector"] == {"matchLabels": {"app.kubernetes.io/managed-by": "tovi"}}
    assert (policy["policyTypes"], policy.get("ingress")) == (["Ingress", "Egress"], None)
    assert policy["egress"] == [
        DNS,
        {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": EVERYBODY_ELSE}}, {"ipBlock": {"cidr": "2000::/3"}}]},
    ]


def test_an_admin_may_let_tasks_reach_more() -> None:
    more = {"to": [{"ipBlock": {"cidr": "10.1.2.3/32"}}], "ports": [{"port": 443}]}
    assert policies({"networkPolicy": {"tasks": {"egress": [more]}}})["tovi-tasks"]["egress"][-1] == more


@pytest.mark.parametrize(
    ("part", "comes_in", "goes_out"),
    [
        ("receiver", ["ssh", "health"], [53, 53, 5432]),
        ("scheduler", ["health"], [53, 53, 5432, 443, 6443]),
    ],
)
def test_the_server_is_reached_and_reaches_what_it_needs(part: str, comes_in: list[str], goes_out: list[int]) -> None:
    policy = policies()[f"tovi-{part}"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert [port["port"] for rule in policy["ingress"] for port in rule["ports"]] == comes_in
    assert [port["port"] for rule in policy["egress"] for port in rule["ports"]] == goes_out


def test_everybody_may_connect_by_ssh_and_the_cluster_may_ask_how_it_is() -> None:
    assert policies()["tovi-receiver"]["ingress"] == [
        {"ports": [{"port": "ssh"}]},
        {"ports": [{"port": "health"}], "from": [{"namespaceSelector": {}}]},
    ]


def test_the_bundled_database_is_reached_by_the_server_alone_and_reaches_nothing() -> None:
    policy = policies(BUNDLED)["tovi-postgresql"]
    (rule,) = policy["ingress"]
    parts = [peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in rule["from"]]
    assert (parts, policy.get("egress")) == (["receiver", "scheduler"], None)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ("LoadBalancer", "Local", None)),
        ({"service": {"type": "NodePort"}}, ("NodePort", "Cluster", None)),
        ({"service": {"type": "NodePort", "nodePort": 30022}}, ("NodePort", "Cluster", 30022)),
        ({"service": {"externalTrafficPolicy": "Cluster"}}, ("LoadBalancer", "Cluster", None)),
    ],
)
def test_people_come_in_by_one_service(values: Values, expected: tuple[str, str, int | None]) -> None:
    service = one(render(values), "Service", "tovi")["spec"]
    (port,) = service["ports"]
    assert (service["type"], service["externalTrafficPolicy"], port.get("nodePort")) == expected
    assert (port["port"], port["targetPort"]) == (22, "ssh")


def test_figures_are_offered_to_prometheus_where_that_is_wanted() -> None:
    things = render({"serviceMonitor": {"enabled": True, "labels": {"release": "watch"}}})
    monitor, service = one(things, "ServiceMonitor", "tovi-metrics"), one(things, "Service", "tovi-metrics")
    assert monitor["metadata"]["labels"]["release"] == "watch"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert service["spec"]["ports"] == [{"name": "metrics", "port": 8080, "targetPort": "health"}]
    assert not [thing for thing in render() if thing["kind"] == "ServiceMonitor"]
