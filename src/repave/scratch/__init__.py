"""Folders in which something is made: held while it is, and swept by the next one where its maker was killed."""
