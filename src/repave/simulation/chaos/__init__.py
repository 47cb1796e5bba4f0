"""Chaos: what a bad day does to calls, machines, zones, releases, controllers and people's minds; all from one seed."""
