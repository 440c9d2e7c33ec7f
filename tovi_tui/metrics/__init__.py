"""The numbers of a job's tasks: as a table, the best of them, and as bars. Pure."""
