"""PodSecurity *restricted*, from the published standard: what a pod has that it may not have.

https://kubernetes.io/docs/concepts/security/pod-security-standards/, baseline and restricted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

Json = Mapping[str, Any]

_VOLUMES: Final = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_APPARMOR_ANNOTATION: Final = "container.apparmor.security.beta.kubernetes.io/"
_SELINUX_TYPES: Final = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
_SYSCTLS: Final = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
_PROFILES: Final = {"RuntimeDefault", "Localhost"}
_PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")


def violations(pod: Json) -> list[str]:
    """Empty: it is admitted."""
    spec = pod["spec"]
    found = [*_of_pod(pod, spec), *_of_volumes(spec)]
    for container in _containers(spec):
        found += [f"{container['name']}: {what}" for what in _of_container(container, _context(spec))]
    return found


def _containers(spec: Json) -> Iterator[Json]:
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        yield from spec.get(kind) or ()


def _context(holder: Json) -> Json:
    context: Json = holder.get("securityContext") or {}
    return context


def _of_pod(pod: Json, spec: Json) -> Iterator[str]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield name
    yield from _of_any_context(_context(spec))
    for sysctl in _context(spec).get("sysctls") or ():
        if sysctl["name"] not in _SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    for name, value in (pod["metadata"].get("annotations") or {}).items():
        if name.startswith(_APPARMOR_ANNOTATION) and value != "runtime/default" and not value.startswith("localhost/"):
            yield f"AppArmor {value}"


def _of_volumes(spec: Json) -> Iterator[str]:
    for volume in spec.get("volumes") or ():
        for kind in set(volume) - {"name"} - _VOLUMES:
            yield f"a volume of kind {kind}"


def _of_any_context(context: Json) -> Iterator[str]:
    """What pods and containers are held to alike."""
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        yield "hostProcess"
    if (context.get("appArmorProfile") or {}).get("type", "RuntimeDefault") not in _PROFILES:
        yield "an AppArmor profile"
    options = context.get("seLinuxOptions") or {}
    if options.get("type", "") not in _SELINUX_TYPES or options.get("user") or options.get("role"):
        yield "SELinux options"
    if (context.get("seccompProfile") or {}).get("type", "RuntimeDefault") not in _PROFILES:
        yield "a seccomp profile"
    if context.get("runAsUser") == 0:
        yield "runAsUser 0"


def _of_container(container: Json, of_pod: Json) -> Iterator[str]:
    context = _context(container)
    yield from _of_any_context(context)
    if context.get("privileged"):
        yield "privileged"
    if context.get("procMount", "Default") != "Default":
        yield "procMount"
    if any(port.get("hostPort") for port in container.get("ports") or ()):
        yield "hostPort"
    yield from _of_handlers(container)
    yield from _of_capabilities(context.get("capabilities") or {})
    if context.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if context.get("runAsNonRoot", of_pod.get("runAsNonRoot")) is not True:
        yield "not runAsNonRoot"
    if "seccompProfile" not in context and "seccompProfile" not in of_pod:
        yield "no seccomp profile"


def _of_handlers(container: Json) -> Iterator[str]:
    handlers = [container.get(name) for name in _PROBES] + [*(container.get("lifecycle") or {}).values()]
    for handler in handlers:
        for way in ("httpGet", "tcpSocket"):
            if ((handler or {}).get(way) or {}).get("host"):
                yield "a host of a probe"


def _of_capabilities(capabilities: Json) -> Iterator[str]:
    if "ALL" not in (capabilities.get("drop") or ()):
        yield "capabilities that are not dropped"
    for added in capabilities.get("add") or ():
        if added != "NET_BIND_SERVICE":
            yield f"capability {added}"
