"""Which release may enter which environment now, and what it waits for."""
