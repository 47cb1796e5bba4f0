"""Whose signatures count: an artifact is deployed when a trusted key has signed it, and not otherwise."""

from repave.model.names import Digest
from repave.operations.errors import Refused
from repave.operations.integrity.records import Subject
from repave.ports.errors import WorldError
from repave.ports.signatures import Mark, Signatures, TrustedKey

HINT = "`repave bake` signs with `signing.key`; `repave verify` shows what is signed, and by whom"


class Trust:
    """Judges what is kept beside artifacts. Without trusted keys its bytes are verified, and nobody is required."""

    def __init__(self, *, signatures: Signatures, keys: tuple[TrustedKey, ...]) -> None:
        self._signatures = signatures
        self._keys = keys

    def check(self, subject: Subject) -> tuple[Mark, ...]:
        """What is beside the artifact. Raises Corrupt for other bytes, Refused for what no trusted key has signed."""
        try:
            marks = self._signatures.marks(subject.digest, self._keys)
        except WorldError as error:
            error.message = f"{subject}: {error.message}"
            error.args = (error.message,)
            raise
        if self._keys:
            self._required(subject, marks)
        return marks

    def trusts(self, digest: Digest) -> bool:
        """Whether an artifact may be returned to."""
        try:
            self.check(Subject(digest=digest))
        except (Refused, WorldError):
            return False
        return True

    def _required(self, subject: Subject, marks: tuple[Mark, ...]) -> None:
        names = " or ".join(key.name for key in self._keys)
        signatures = [mark for mark in marks if not mark.predicate]
        if not signatures:
            raise Refused(f"{subject}: {subject.digest} is not signed; wanted is a signature by {names}", hint=HINT)
        if not any(mark.key for mark in signatures):
            raise Refused(f"{subject}: {subject.digest} is signed, but not by {names}", hint=HINT)
        for predicate in dict.fromkeys(mark.predicate for mark in marks if mark.predicate):
            if not any(mark.key for mark in marks if mark.predicate == predicate):
                raise Refused(
                    f"{subject}: the document {predicate} beside {subject.digest} is not signed by {names}",
                    hint="nobody you trust has said so: name its signer's key under `signing.verify` too, or bake anew",
                )
