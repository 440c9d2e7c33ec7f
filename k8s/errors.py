"""What a request to the API server can end with beside its answer."""

from __future__ import annotations

from typing import Final

from tovi_server.core.errors import UnavailableError

_QUOTA: Final = ("exceeded quota", "status unknown for quota")
"""What the admission of quotas says: it is used up, or is so new that nobody has counted yet."""
_CHECK: Final = "`tovi-server check` lists the rights that Tovi needs, and how to give them"


class ApiError(UnavailableError):
    """The API server refused, failed, or did not answer."""

    def __init__(self, asked: str, *, status: int | None, reason: str = "", message: str = "", hint: str = "") -> None:
        """`asked` says what for, as `create pods in tovi`; `status` None: there was no answer."""
        said = "did not answer" if status is None else f"answered {status}{f' {reason}' if reason else ''}"
        super().__init__(f"{asked}: the cluster {said}", why=message, hint=hint)
        self.status = status
        self.reason = reason
        self.message = message

    @property
    def is_unknown(self) -> bool:
        """Whether the request may have taken effect all the same."""
        return self.status is None or self.status >= 500

    @property
    def is_conflict(self) -> bool:
        return self.status == 409

    @property
    def is_gone(self) -> bool:
        """What was watched from is too old: list anew."""
        return self.status == 410

    @property
    def is_absent(self) -> bool:
        return self.status == 404


class MissingRightError(ApiError):
    """Tovi's account may not do this."""

    def __init__(self, asked: str, *, message: str) -> None:
        super().__init__(asked, status=403, reason="Forbidden", message=message, hint=_CHECK)
        self.what = f"Tovi lacks the right to {asked}"


class QuotaError(ApiError):
    """The namespace's quota is used up: it may work later."""


class RefusedError(ApiError):
    """It is wrong, or somebody's rules forbid it: trying again will not help."""


class NoSuchDeviceError(Exception):
    """The node that was chosen offers no GPUs any more: another may."""

    def __init__(self, node: str) -> None:
        super().__init__(f"{node} offers no GPUs any more")


def from_answer(asked: str, status: int, reason: str, message: str) -> ApiError:
    """The error that an answer means."""
    if status == 403 and any(mark in message for mark in _QUOTA):
        return QuotaError(asked, status=status, reason=reason, message=message)
    if status == 403 and "cannot " in message and "User " in message:
        return MissingRightError(asked, message=message)
    if status in {400, 403, 413, 422}:
        return RefusedError(asked, status=status, reason=reason, message=message)
    return ApiError(asked, status=status, reason=reason, message=message)
