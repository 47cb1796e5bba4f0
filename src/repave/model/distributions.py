"""Distributions by the numbers that others know their releases by."""

NUMBERS = {
    "debian": {"bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14"},
    "ubuntu": {"focal": "20.04", "jammy": "22.04", "noble": "24.04"},
}
"""By distribution and the name of the release; sid has none."""
