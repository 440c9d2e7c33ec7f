"""Decides which task runs where, and has it done through executors.

Belongs here: the picture of a tick, policies, the pure plan, the loop, the local executor.
Never here: SQL, Kubernetes, users' rights, or any front end.
"""
