"""What a person asks for, a file per verb: writes intent, reads views. No cloud is called from here."""
