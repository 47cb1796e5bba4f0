"""A change rehearsed: the real planner over an imagined world, whose instances take as long as earlier ones did."""
