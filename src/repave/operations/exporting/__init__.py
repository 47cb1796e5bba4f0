"""Disks of virtual machines as files for other clouds and hypervisors, each format by a writer of its own.

The same artifact gives the same bytes; none of the formats takes a clock, a chance or a program of this machine.
"""
