"""The edge: what turns connections into calls on the manager and on files.

Belongs here: listening, limits, authentication, channels, and the doors behind them (commands, SFTP, scp, the
API subsystem). Never here: what a request means, SQL, scheduling, or the words of a command.
"""
