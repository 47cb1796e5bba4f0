"""Virtual machines on this machine: QEMU, asked over QMP, a process for each machine and nothing that watches over it.

What belongs here: everything that knows QEMU, its disks, and how a machine is told what it is to be.
What does not: what any instance of this provider has, such as records, consoles, addresses.
"""
