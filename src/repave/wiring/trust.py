"""Keys, signatures, and what is let in by them."""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from repave.wiring.artifacts import Artifacts

if TYPE_CHECKING:
    from repave.model.lock import Lock
    from repave.operations.admission import Admission
    from repave.operations.baking import Baked
    from repave.operations.carrying.pulling import Pulling
    from repave.operations.carrying.pushing import Pushing
    from repave.operations.integrity.keyring import Keyring
    from repave.operations.integrity.naming import Naming
    from repave.operations.integrity.records import Integrity
    from repave.operations.integrity.trust import Trust
    from repave.operations.integrity.verifying import Verifying
    from repave.operations.recording.exporting import Exporting
    from repave.operations.recording.keeping import Keeping, RecordKeys
    from repave.operations.revoking.revoking import Revoking
    from repave.operations.signing import Signing
    from repave.ports.progress import Progress
    from repave.ports.signatures import Keys, Signatures, TrustedKey


class Trusting(Artifacts):
    """Keys, signatures, and what is let in by them."""

    @cached_property
    def keys(self) -> "Keys":
        """Private and public keys that the file names."""
        from repave.attestations.signatures.opening import DeclaredKeys

        return DeclaredKeys(folder=self.folder, secrets=self.secrets)

    @cached_property
    def signatures(self) -> "Signatures":
        """What is signed, beside the artifacts."""
        from repave.attestations.signatures.cosign import CosignSignatures

        return CosignSignatures(self.registry)

    @cached_property
    def signing(self) -> "Signing":
        """Of every bake."""
        from repave.operations.signing import Signing

        return Signing(
            project=self.project.name,
            settings=self.project.signing,
            keys=self.keys,
            signatures=self.signatures,
            statements=self.listing.statements,
        )

    @cached_property
    def keyring(self) -> "Keyring":
        """The keys that the file names, to be shown."""
        from repave.operations.integrity.keyring import Keyring

        return Keyring(settings=self.project.signing, keys=self.keys)

    @cached_property
    def keeping(self) -> "Keeping":
        """The record, as far as it is signed."""
        from repave.operations.recording.keeping import Keeping

        return Keeping(project=self.project.name, history=self.store, clock=self.clock, keys=self._record_keys)

    @cached_property
    def exporting(self) -> "Exporting":
        """The record, for auditors."""
        from repave.attestations.signatures.beside import marks_beside
        from repave.operations.recording.exporting import Exporting

        return Exporting(
            project=self.project.name,
            history=self.store,
            clock=self.clock,
            keys=self._record_keys,
            signed_of=lambda artifact: marks_beside(self.registry, artifact),
        )

    @property
    def _record_keys(self) -> "RecordKeys":
        from repave.attestations.signatures.keys import Judge
        from repave.operations.recording.keeping import RecordKeys

        return RecordKeys(
            signer=lambda: self.keys.signer(self.project.signing),
            trusted=tuple(self.keys.trusted(name) for name in self.project.signing.verify),
            judges=Judge,
        )

    def trust(self, further: "Iterable[TrustedKey]" = ()) -> "Trust":
        """By the keys that the file names, and further ones."""
        from repave.operations.integrity.trust import Trust

        named = (self.keys.trusted(name) for name in self.project.signing.verify)
        return Trust(signatures=self.signatures, keys=(*named, *further))

    @cached_property
    def admission(self) -> "Admission":
        """What a release must be before anything of it is started."""
        from repave.operations.admission import Admission

        return Admission(integrity=self.integrity, trust=self.trust(), revoking=self.revoking)

    @cached_property
    def revoking(self) -> "Revoking":
        """What must not be started any more."""
        from repave.operations.revoking.covering import Covering
        from repave.operations.revoking.revoking import Revoking
        from repave.operations.revoking.subjects import Subjects

        trusted = tuple(self.keys.trusted(name) for name in self.project.signing.verify)
        return Revoking(
            store=self.store,
            clock=self.clock,
            subjects=Subjects(catalog=self.store, naming=self.naming, keys=self.keys),
            covering=Covering(catalog=self.store, signatures=self.signatures, trusted=trusted),
        )

    @cached_property
    def integrity(self) -> "Integrity":
        """Whether artifacts are as they were baked, by their documents."""
        from repave.operations.integrity.records import Integrity

        return Integrity(project=self.project.name, catalog=self.store, registry=self.registry)

    def verifying(self, keys: "Iterable[TrustedKey]" = ()) -> "Verifying":
        """The same and more, every byte."""
        from repave.operations.integrity.verifying import Verifying

        return Verifying(
            project=self.project.name,
            catalog=self.store,
            registry=self.registry,
            vault=self.vault,
            trust=self.trust(keys),
        )

    @cached_property
    def naming(self) -> "Naming":
        """Artifacts by what people call them."""
        from repave.operations.integrity.naming import Naming

        return Naming(catalog=self.store, registry=self.registry)

    @cached_property
    def pushing(self) -> "Pushing":
        """Artifacts to other registries."""
        from repave.operations.carrying.pushing import Pushing

        return Pushing(registry=self.registry, distribution=self.distribution)

    @cached_property
    def pulling(self) -> "Pulling":
        """And from there."""
        from repave.operations.carrying.pulling import Pulling

        return Pulling(registry=self.registry, distribution=self.distribution, trust=self.trust(), scratch=self.state)

    def bake(self, lock: "Lock", progress: "Progress") -> "Baked":
        """Bake a lock of this folder, and sign what was made: its text and the source's revision are looked up here."""
        from repave.config.lockfile import lock_digest
        from repave.operations.source import source_revision

        source = source_revision(self.folder, lock.files, self.commands)
        return self.signing.bake(lambda: self.baking.bake(lock, lock_digest(lock), source, progress), progress)
