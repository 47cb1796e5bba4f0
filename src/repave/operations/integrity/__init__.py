"""Whether what was baked is still what its records and digests say, down to the last byte."""
