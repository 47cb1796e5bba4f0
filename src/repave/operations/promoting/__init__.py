"""Releases through the pipeline: what is known of them, what people say of them, and who is let in."""
