"""What all connections of a receiver share, built once: the library would do part of it for each login."""

from __future__ import annotations

import asyncssh

from tovi_server.receivers import host_keys
from tovi_server.receivers.algorithms import Algorithms
from tovi_server.receivers.settings import ReceiverSettings

_VERSION = "OpenSSH_compatible"
"""Tells an attacker nothing. OpenSSH's clients tell only servers of this prefix that their standard output was
closed (`ssh HOST logs -f 12 | head -1`), and would otherwise read on for ever."""


def build(settings: ReceiverSettings, offered: Algorithms) -> asyncssh.SSHServerConnectionOptions:
    """Reads and checks the host keys.

    Raises:
        ToviError: from `host_keys.load`.
    """
    limits = settings.limits
    options = asyncssh.SSHServerConnectionOptions(
        server_version=_VERSION,
        server_host_keys=host_keys.load(settings.host_keys),
        kex_algs=offered.key_exchange,
        encryption_algs=offered.ciphers,
        mac_algs=offered.macs,
        compression_algs=None,
        signature_algs=offered.user_signatures,
        password_auth=False,
        kbdint_auth=False,
        host_based_auth=False,
        gss_host=None,
        authorized_client_keys=None,
        x509_trusted_certs=None,
        agent_forwarding=False,
        x11_forwarding=False,
        login_timeout=limits.login_timeout.total_seconds(),
        keepalive_interval=limits.keepalive_interval.total_seconds(),
        keepalive_count_max=limits.keepalive_misses,
    )
    for name in [name for name in options.server_host_keys if name.decode() not in offered.host_signatures]:
        del options.server_host_keys[name]
    return options
