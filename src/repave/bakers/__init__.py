"""From a lock to an artifact, one folder per kind. A baker reads the vault and writes the registry, nothing else."""
