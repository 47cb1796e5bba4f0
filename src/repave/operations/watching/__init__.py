"""Everything is kept fresh without being asked: learn, decide, lock, bake, carry, and again when the plan says."""
