"""Where vulnerabilities are learned. A source that cannot be read says so; it never says clean."""
