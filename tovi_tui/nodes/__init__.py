"""Machines as rows, with what is used of them by whom. Pure."""
