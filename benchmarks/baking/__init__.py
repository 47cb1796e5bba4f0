"""What ``bake.py`` measures: containers and disks of virtual machines, and what both have of one kind."""
