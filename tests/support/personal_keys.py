"""People with keys of their own, as OpenSSH makes them."""

import subprocess
from pathlib import Path

from repave.model.gates import Person
from repave.model.names import PersonName

SHORTEST = {"rsa": ("-b", "2048")}
"""Of a kind whose longer keys take seconds to find."""


def private_key(folder: Path, name: str) -> Path:
    """Where it is kept."""
    return folder / f"id_{name}"


def person(folder: Path, name: str, kind: str = "ed25519", passphrase: str = "") -> Person:
    """A person, whose key is made."""
    key = private_key(folder, name)
    made = ["ssh-keygen", "-q", "-t", kind, *SHORTEST.get(kind, ())]
    subprocess.run([*made, "-N", passphrase, "-C", name, "-f", key], check=True)
    public = key.with_name(f"{key.name}.pub").read_text(encoding="ascii")
    return Person(name=PersonName(name), keys=(" ".join(public.split()[:2]),))
