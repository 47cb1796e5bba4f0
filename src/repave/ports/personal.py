"""Signatures of people: who agrees is known by the key that signs it."""

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from repave.model.gates import Person
from repave.model.names import PersonName


class PersonalSignatures(Protocol):
    """Signs with a person's own key, and says whose key signed."""

    def sign(self, message: bytes, key: Path) -> str:
        """The signature of the message, as text. Raises Gone (no such key), Denied (it cannot be used)."""
        ...

    def signed_by(self, message: bytes, signature: str, people: Collection[Person]) -> PersonName | None:
        """Of these people the one whose key made the signature over exactly this message; None when none did."""
        ...
