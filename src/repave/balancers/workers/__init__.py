"""Workers: fleets without a port. Nobody sends them requests, so no load balancer finds out how they are."""
