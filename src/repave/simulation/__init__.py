"""A world in memory: every port, a clock that jumps, faults by seed, and the contract every adapter must pass."""
