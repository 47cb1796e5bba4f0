"""What a scan found, in the formats that other tools read: each a pure function of the scan."""
