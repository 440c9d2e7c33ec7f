"""Logs as lines: bytes of any program, in windows onto files of any size. Pure."""
