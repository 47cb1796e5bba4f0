"""The key by which a person speaks."""

from pathlib import Path
from typing import Annotated

from repave.cli.parameters import Option

OwnKey = Annotated[
    Path | None,
    Option("--key", help="Your private key, or the .pub of one in an agent [default: ~/.ssh/id_ed25519]."),
]
Why = Annotated[str, Option("--reason", help="Why: it is signed with the rest.", metavar="TEXT")]


def own_key(given: Path | None) -> Path:
    """The one given, or where OpenSSH keeps it."""
    return given or Path.home() / ".ssh" / "id_ed25519"
