"""From what an image declares to what is pinned: one adapter per ecosystem. Nothing is baked or judged here."""
