"""Load balancers that no cloud brings, one folder each: the traffic port over their own control interface."""
