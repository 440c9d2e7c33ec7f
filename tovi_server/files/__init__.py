"""The data directory: the only place that touches files which people and jobs share.

Belongs here: names and what they lead to, uploads, archives, the content-addressed store, the folders of attempts.
Every path is resolved beneath a directory descriptor, since jobs can plant links in the volume.
Never here: wire protocols, SQL, decisions about jobs, clocks. Calls block: use them in a thread, unless `async`.
"""
