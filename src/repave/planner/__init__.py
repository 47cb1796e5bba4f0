"""The pure decisions: from what is wanted, what is seen and the time to a plan.."""
