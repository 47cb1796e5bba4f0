"""Checks on this machine: a container that ends with the process that asked for it, and reaches the balancer alone."""
