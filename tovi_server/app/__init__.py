"""Puts the server together: the only package that knows all parts, and hands each what it needs.

Belongs here: the processes of a server and what ties them together, the real clock, the log's form, what an admin does
on the data directory itself. Never here: rules, SQL, protocols; and nobody imports it but `__main__`.
"""
