"""Releases are signed when they are baked: each artifact, and what is said of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

from repave.model.names import ImageName, ProjectName
from repave.model.release import Release
from repave.model.signing import SigningSettings
from repave.model.statement import Statement
from repave.operations.baking import Baked, Signed
from repave.operations.errors import Refused
from repave.ports.progress import Progress
from repave.ports.signatures import Keys, Signatures, Signer

Statements = Callable[[Release, ImageName], Sequence[Statement]]
"""What is kept beside one artifact of a release."""


class Signing:
    """Signs with the key that the project declares."""

    def __init__(
        self,
        *,
        project: ProjectName,
        settings: SigningSettings,
        keys: Keys,
        signatures: Signatures,
        statements: Statements,
    ) -> None:
        self._project = project
        self._settings = settings
        self._keys = keys
        self._signatures = signatures
        self._statements = statements

    def bake(self, bake: Callable[[], Baked], progress: Progress) -> Baked:
        """Bake, and sign what was baked. The key is opened first: a wrong passphrase is known before the work."""
        _ = self._signer
        baked = bake()
        return replace(baked, signed=self._sign(baked.release, progress))

    def _sign(self, release: Release, progress: Progress) -> tuple[Signed, ...]:
        """Every artifact of the release and what is kept beside it; nothing when no key is declared."""
        signer = self._signer
        if signer is None:
            return ()
        with progress.task("Signing", total=len(release.artifacts)) as task:
            signed = []
            for image in release.artifacts:
                signed.append(self._one(release, image, signer))
                task.advance()
        return tuple(signed)

    def _one(self, release: Release, image: ImageName, signer: Signer) -> Signed:
        digest = release.artifacts[image]
        documents = self._statements(release, image)
        name = f"{self._project}/{image}"
        self._signatures.sign(digest, name=name, statements=documents, signer=signer)
        return Signed(image=image, digest=digest, documents=tuple(one.predicate_type for one in documents))

    @cached_property
    def _signer(self) -> Signer | None:
        signer = self._keys.signer(self._settings)
        if signer is None:
            return None
        public = signer.public  # asked for even where nothing is compared: a token or service may not answer
        trusted = [self._keys.trusted(name) for name in self._settings.verify]
        if trusted and not any(key.pem.split() == public.split() for key in trusted):
            raise Refused(
                "`signing.key` is none of the keys under `signing.verify`: what it signs could not be deployed",
                hint="`repave keys --public` prints its public key; those named are "
                + ", ".join(self._settings.verify),
            )
        return signer
