"""Widgets that show lines of spans and rows of views; they post small messages and never call the manager."""
