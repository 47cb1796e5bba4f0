"""Virtual machines: the layers of a root filesystem on a disk that starts, with UEFI and with BIOS.

``baker`` says the order; ``inside`` is the program that works in namespaces of its own, where the locked tools write
file systems and boot loaders.
"""
