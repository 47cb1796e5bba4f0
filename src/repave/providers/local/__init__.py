"""This machine as a provider: containers by runc, virtual machines by QEMU, each with an address of its own.

What an instance can reach: this machine and the project's other instances, nothing beyond (no forwarding, no address
translation, no name server; without root whatever the user can reach). Who can reach it: this machine alone.
What survives: instances outlive repave; a restart of the machine ends them, and they are then listed as stopped.
What is not known: exit codes, since no process of ours waits for an instance's; and output is bounded only while repave
looks (see consoles.py).

What belongs here: everything that knows runc, QEMU, network namespaces, overlay mounts and this provider's records.
What does not: decisions about fleets, health, load balancing.
"""
