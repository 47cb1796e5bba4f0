"""The rivals of the benchmarks, started for one run and ended with it."""
