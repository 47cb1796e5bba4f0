"""Git repositories: a commit's files as one archive, by the system's git and with nothing of its configuration."""
