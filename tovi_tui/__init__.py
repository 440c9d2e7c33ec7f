"""The terminal UI: screens over `ManagerAPI`, one process for each session.

Screens show views and post small messages; whatever decides or formats is pure and knows no Textual. Nothing here
opens a file, a socket or a program of the machine it runs on: what a screen shows, the manager told it.
"""
