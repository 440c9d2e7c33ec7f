"""What an API server answers when it does not do what was asked, in its own words. Pure."""

from __future__ import annotations

import json

from tests.fault_proxy.exchange import Answer
from tests.fault_proxy.requests import Request


def status(code: int, reason: str, message: str, *, retry_after_s: int | None = None) -> Answer:
    headers = {"Content-Type": "application/json"}
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    return Answer(code, body(code, reason, message), headers)


def body(code: int, reason: str, message: str) -> bytes:
    told = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return json.dumps(told | {"message": message, "reason": reason, "code": code}).encode() + b"\n"


def too_many(retry_after_s: int) -> Answer:
    message = "The apiserver has received too many requests and has asked that we try again later."
    return status(429, "TooManyRequests", message, retry_after_s=retry_after_s)


def unauthorized() -> Answer:
    return status(401, "Unauthorized", "Unauthorized")


def internal_error() -> Answer:
    return status(500, "InternalError", "Internal error occurred: etcdserver: request timed out")


def timed_out() -> Answer:
    return status(504, "Timeout", "Timeout: request did not complete within requested timeout - context canceled")


def conflict(request: Request) -> Answer:
    if request.verb == "create":
        return status(409, "AlreadyExists", f'{request.what} "{request.name}" already exists')
    changed = "the object has been modified; please apply your changes to the latest version and try again"
    return status(409, "Conflict", f'Operation cannot be fulfilled on {request.what} "{request.name}": {changed}')


def over_quota(request: Request) -> Answer:
    used = "exceeded quota: tasks, requested: pods=1, used: pods=10, limited: pods=10"
    return status(403, "Forbidden", f'{request.what} "{request.name}" is forbidden: {used}')


def gone() -> Answer:
    return status(410, "Expired", "too old resource version: 1 (2)")
