"""This machine as a provider: containers by runc, in namespaces and with an address of their own.

What belongs here: everything that knows runc, network namespaces, overlay mounts and this provider's records.
What does not: decisions about fleets, health, load balancing.
"""
