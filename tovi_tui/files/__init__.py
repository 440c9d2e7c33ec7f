"""Folders and files as rows, and their paths. Pure."""
