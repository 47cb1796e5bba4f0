"""What is said of an artifact so that a stranger can check it: what it is made of, how it was made, and who says so."""
