"""What an admin can change about scheduling: the order of the queue, which nodes may serve, which is best.

A policy is a small class that satisfies one of the protocols in `protocols`, found by its entry point or
named `module:attribute` in the policy file.
"""
