"""What a person asks of the vault: carry it elsewhere, bring it in, read it again, share it."""
