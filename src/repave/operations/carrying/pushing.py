"""``repave push``: an artifact to a registry, what is beside it first."""

from contextlib import suppress
from hashlib import sha256

from repave.model.names import Digest
from repave.model.signing import DOCUMENTS, SIGNATURES, name_beside
from repave.model.statement import canonical
from repave.operations.carrying.parts import INDEX_TYPE, MANIFEST_TYPE, Carried, blobs_of, listed, parsed, referrers_tag
from repave.ports.distribution import Distribution, Manifest, Reference, Repository
from repave.ports.errors import Gone
from repave.ports.progress import Progress
from repave.ports.registry import Registry


class Pushing:
    """From the registry on this disk. Everything may be called again after a failure."""

    def __init__(self, *, registry: Registry, distribution: Distribution) -> None:
        self._registry = registry
        self._distribution = distribution

    def push(self, digest: Digest, repository: Repository, tag: str, progress: Progress) -> Carried:
        """Have the artifact there under the tag. Whoever finds the tag finds its signatures and documents too.

        What is there already is not sent again. Raises what the registries raise.
        """
        signed = self._signed(digest)
        documents = [one.manifest for one in self._registry.attached(digest)]
        manifests = (*signed.values(), *documents, digest)
        blobs = {blob.digest: blob for manifest in manifests for blob in blobs_of(self._registry.read(manifest))}
        size = sum(blob.size_bytes for blob in blobs.values())
        with progress.task(f"Pushing to {repository}", total=size, unit="B") as task:
            for blob in blobs.values():
                self._distribution.upload(repository, blob, self._registry.path(blob.digest), task=task)
        for kind, manifest in signed.items():
            self._distribution.put(repository, self._manifest(manifest), tag=name_beside(digest, kind))
        self._distribution.put(repository, self._manifest(digest))
        self._refer(digest, documents, repository)
        self._distribution.put(repository, self._manifest(digest), tag=tag)
        return Carried(
            digest=digest,
            reference=str(Reference(repository=repository, tag=tag, digest=digest)),
            signed=bool(signed),
            documents=len(documents),
            size_bytes=size,
        )

    def _signed(self, digest: Digest) -> dict[str, Digest]:
        found = {}
        for kind in (SIGNATURES, DOCUMENTS):
            with suppress(Gone):
                found[kind] = self._registry.resolve(name_beside(digest, kind))
        return found

    def _refer(self, subject: Digest, documents: list[Digest], repository: Repository) -> None:
        """Have the documents there; where the registry does not list them, in the index that stands for a list."""
        unlisted = []
        for digest in documents:
            manifest = self._manifest(digest)
            if not self._distribution.put(repository, manifest):
                unlisted.append(_descriptor(manifest))
        if not unlisted:
            return
        tag = referrers_tag(subject)
        try:
            before = listed(self._distribution.manifest(Reference(repository=repository, tag=tag)))
        except Gone:
            before = []
        named = {entry["digest"] for entry in unlisted}
        entries = [*(entry for entry in before if entry["digest"] not in named), *unlisted]
        content = canonical({"manifests": entries, "mediaType": INDEX_TYPE, "schemaVersion": 2})
        digest = Digest(f"sha256:{sha256(content).hexdigest()}")
        self._distribution.put(repository, Manifest(content=content, media_type=INDEX_TYPE, digest=digest), tag=tag)

    def _manifest(self, digest: Digest) -> Manifest:
        return Manifest(content=self._registry.read(digest), media_type=MANIFEST_TYPE, digest=digest)


def _descriptor(manifest: Manifest) -> dict[str, object]:
    document = parsed(manifest.content)
    return {
        "annotations": document.get("annotations", {}),
        "artifactType": document.get("artifactType", ""),
        "digest": manifest.digest,
        "mediaType": MANIFEST_TYPE,
        "size": len(manifest.content),
    }
