"""Durable truth: jobs, tasks, events, accounts, in SQLite or PostgreSQL.

Belongs here: tables, SQL, transactions, migrations. Every change of a task's state goes through `changes`.
Never here: decisions (they are in `core`), files, the network, clocks.
"""
