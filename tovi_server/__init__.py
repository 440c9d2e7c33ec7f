"""Tovi's server. Imports nothing, so that `scheduler` and `k8s` can use `tovi_server.core` alone."""
