"""From an image to its lock, one module per ecosystem. What is fetched goes through the vault port."""
