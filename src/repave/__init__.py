"""Don't patch, redeploy: fleets that are replaced by new releases, never changed in place."""
