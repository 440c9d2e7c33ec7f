"""A tovi.yaml while it is written: where it is wrong, what it would do, what was sent of it. Pure."""
