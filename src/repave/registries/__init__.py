"""Where bytes live by their digest: the vault of locked files and the OCI layout of artifacts."""
