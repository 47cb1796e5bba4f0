"""Keys, and what is signed with them, in the form that cosign writes and accepts."""
