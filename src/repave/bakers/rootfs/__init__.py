"""Root filesystems: from a lock to layers, without a daemon and without network.

``layering`` says the order; ``inside`` is the program that works in namespaces of its own, where packages are
installed and the recipe's own commands run; ``workroom`` is what a baker has of both.
"""
