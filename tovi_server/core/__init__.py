"""The vocabulary and the rules of Tovi.

Belongs here: ids, records, the state machine, reading a job file, rendering a task.
Never here: I/O, clocks, randomness, asyncio, SQL, or anything else of Tovi.
"""
