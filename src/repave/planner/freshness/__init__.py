"""What must be re-locked, re-baked and retired, and by when: decided, and checked by code of its own."""
