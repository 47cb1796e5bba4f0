"""What we ask of the world: small protocols whose docstrings are retry contracts. No implementation lives here."""
