"""Containers: from a lock to an OCI image of up to five layers, without a daemon and without network.

``baker`` says the order; ``inside`` is the program that works in namespaces of its own, where packages are
installed and the recipe's own commands run.
"""
