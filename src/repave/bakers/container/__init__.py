"""Containers: the layers of a root filesystem as an OCI image."""
