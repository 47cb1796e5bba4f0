"""What a release must be before anything of it is started."""

from repave.model.names import Digest
from repave.model.release import Release
from repave.operations.integrity.records import Integrity, Subject
from repave.operations.integrity.trust import Trust
from repave.operations.revoking.revoking import Revoking


class Admission:
    """Not revoked, whole, and signed by whom it must be."""

    def __init__(self, *, integrity: Integrity, trust: Trust, revoking: Revoking) -> None:
        self._integrity = integrity
        self._trust = trust
        self._revoking = revoking

    def admit(self, release: Release) -> None:
        """Raise what speaks against the release: Gone, Corrupt, Refused."""
        self._revoking.refuse(release)
        for image, digest in release.artifacts.items():
            subject = Subject(digest=digest, image=image, releases=(release,))
            self._integrity.check(subject)
            self._trust.check(subject)

    def trusts(self, digest: Digest) -> bool:
        """Whether an artifact that was proven may be returned to."""
        return self._trust.trusts(digest)
