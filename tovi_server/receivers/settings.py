"""What can be set of the SSH receiver. The defaults are on; each of them has stopped an attack or an accident."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from tovi_server.core.setting import Duration, Section
from tovi_server.receivers.algorithms import Profile


class Limits(Section):
    """How much of everything. Counts are over all receivers of a machine."""

    strangers_few: int = 10
    """Connections that are not logged in are strangers. From so many on, some newcomers displace the oldest …"""
    strangers_percent: int = 30
    """… this many per cent of them, more the more there are …"""
    strangers_most: int = 100
    """… and all of them from here on, or are turned away."""
    strangers_per_source: int = 10
    """Of one IPv4 address or one IPv6 /64."""
    failures_per_source: int = 10
    """Connections that ended without a login, before the source has to wait."""
    failure_memory: Duration = timedelta(minutes=1)
    """How long a failed connection is held against its source."""
    trusted_sources: tuple[IPv4Network | IPv6Network, ...] = ()
    """Exempt from the limits per source: gateways that many people share, health probes."""
    banner_timeout: Duration = timedelta(seconds=5)
    """For the first line of a peer."""
    login_timeout: Duration = timedelta(seconds=20)
    """For the whole of a login."""
    login_bytes: int = 128 * 1024
    """Sent by a peer before it is logged in."""
    keys_tried: int = 10
    """Keys that a connection may offer in vain."""
    connections_per_user: int = 32
    """Of one user, at once."""
    sessions_per_connection: int = 10
    """Of one connection, at once: commands, transfers and the like."""
    open_files_per_user: int = 256
    """Of one user, over all transfers, at once."""
    terminals_per_user: int = 4
    """Terminal UIs of one user, at once."""
    terminals: int = 50
    """Terminal UIs of all users together, at once: each of them is a process."""
    idle_timeout: Duration = timedelta(hours=2)
    """A terminal UI in which no key is typed for so long is closed, with a warning before."""
    environment_bytes: int = 4096
    """Names and values of the allowed variables of one session."""
    command_bytes: int = 64 * 1024
    """The longest command line."""
    rekeys_per_minute: int = 30
    """New keys that a client may ask for on its connection; a stock one does so once in many GiB."""
    keepalive_interval: Duration = timedelta(seconds=30)
    """How often a silent client is asked whether it is still there."""
    keepalive_misses: int = 3
    """So many unanswered questions end a connection."""
    reserved_descriptors: int = 256
    """Kept free for files and the database: accepting pauses before they are needed."""


@dataclass(frozen=True, slots=True)
class ReceiverSettings:
    """One SSH receiver."""

    host_keys: Path
    """The folder that `host_keys.create` filled."""
    limits: Limits = Limits()
    profile: Profile = Profile.COMPATIBLE
    recheck_interval: timedelta = timedelta(seconds=2)
    """How soon a removed key or a disabled user loses its open connections."""
