"""Secrets, by reference."""

from typing import Protocol

from repave.model.release import SecretReference


class Secrets(Protocol):
    """Resolves references at the moment of a launch; nothing keeps what it returns."""

    def resolve(self, reference: SecretReference) -> str:
        """The secret's value.

        Raises Gone when there is none, Denied when it may not be read, Invalid for an unknown scheme.
        No message of these ever holds the value.
        """
        ...
