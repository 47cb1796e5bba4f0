"""Where the values behind secret references come from, one module per scheme family."""
