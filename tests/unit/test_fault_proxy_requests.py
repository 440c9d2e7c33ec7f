"""The fault proxy knows requests by the words in which rights are given."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.fault_proxy.requests import Matching, Request

CALLED_P = b'{"metadata": {"name": "p"}}'


def request(method: str, path: str, query: Mapping[str, str] | None = None, body: bytes = b"") -> Request:
    return Request(0.0, method, path, query or {}, body)


@pytest.mark.parametrize(
    ("asked", "verb", "what", "namespace", "name"),
    [
        (request("GET", "/api/v1/pods"), "list", "pods", "", ""),
        (request("GET", "/api/v1/pods", {"watch": "true"}), "watch", "pods", "", ""),
        (request("GET", "/api/v1/pods", {"watch": "1"}), "watch", "pods", "", ""),
        (request("GET", "/api/v1/nodes/n1"), "get", "nodes", "", "n1"),
        (request("GET", "/api/v1/namespaces"), "list", "namespaces", "", ""),
        (request("GET", "/api/v1/namespaces/lab"), "get", "namespaces", "", "lab"),
        (request("GET", "/api/v1/namespaces/lab/pods"), "list", "pods", "lab", ""),
        (request("GET", "/api/v1/namespaces/lab/pods/p"), "get", "pods", "lab", "p"),
        (request("GET", "/api/v1/namespaces/lab/pods/p/log"), "get", "pods/log", "lab", "p"),
        (request("PATCH", "/api/v1/namespaces/lab/pods/p"), "patch", "pods", "lab", "p"),
        (request("DELETE", "/api/v1/namespaces/lab/pods/p"), "delete", "pods", "lab", "p"),
        (request("POST", "/api/v1/namespaces/lab/pods", body=CALLED_P), "create", "pods", "lab", "p"),
        (request("POST", "/api/v1/namespaces/lab/pods/p/binding"), "create", "pods/binding", "lab", "p"),
        (request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=b"{}"),
         "create", "selfsubjectaccessreviews", "", ""),
        (request("GET", "/apis/apps/v1/namespaces/lab/deployments/d"), "get", "deployments", "lab", "d"),
        (request("GET", "/readyz"), "get", "", "", ""),
        (request("GET", "/version"), "get", "", "", ""),
    ],
    ids=lambda value: value.path if isinstance(value, Request) else None,
)  # fmt: skip
def test_a_request_is_read(asked: Request, verb: str, what: str, namespace: str, name: str) -> None:
    assert (asked.verb, asked.what, asked.namespace, asked.name) == (verb, what, namespace, name)


@pytest.mark.parametrize(
    ("matching", "expected"),
    [
        (Matching(), True),
        (Matching("get", "pods/log", "p.*"), True),
        (Matching("list"), False),
        (Matching("get", "pods"), False),
        (Matching(name="p"), False),
    ],
)
def test_a_request_matches_what_is_said_of_it(matching: Matching, expected: bool) -> None:
    assert matching(request("GET", "/api/v1/namespaces/lab/pods/p-1/log")) is expected
