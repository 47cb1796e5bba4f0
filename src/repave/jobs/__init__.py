"""How work is run on this machine: programs, clocks, threads. No decision about fleets is taken here."""
