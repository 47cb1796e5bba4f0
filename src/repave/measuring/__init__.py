"""From counters that are looked at now and then to what happened meanwhile: shared by all who can only count."""
