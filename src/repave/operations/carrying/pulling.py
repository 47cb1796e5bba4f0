"""``repave pull``: an artifact from a registry, with what is beside it, believed in nothing."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from repave.model.names import Digest
from repave.model.signing import DOCUMENTS, SIGNATURES, name_beside
from repave.operations.carrying.parts import MANIFEST_TYPE, Carried, blobs_of, listed, parsed, referrers_tag
from repave.operations.errors import Refused
from repave.operations.integrity.records import Subject
from repave.operations.integrity.trust import Trust
from repave.ports.attachments import Attachment
from repave.ports.distribution import Blob, Distribution, Manifest, Reference, Repository
from repave.ports.errors import Corrupt, Gone, WorldError
from repave.ports.progress import Progress
from repave.ports.registry import Registry
from repave.scratch.held import held

PULLING = "pull-"
"""How names of folders begin in which blobs arrive."""

TITLE = "org.opencontainers.image.title"


class Pulling:
    """Into the registry on this disk. Everything may be called again after a failure."""

    def __init__(self, *, registry: Registry, distribution: Distribution, trust: Trust, scratch: Path) -> None:
        """``scratch`` is a folder on the registry's file system."""
        self._registry = registry
        self._distribution = distribution
        self._trust = trust
        self._scratch = scratch

    def pull(self, reference: Reference, name: str, progress: Progress) -> Carried:
        """Have the artifact here under the name, every blob verified on its way, signatures judged at the end.

        Raises Refused for an index of several images, and for what no trusted key has signed: then it has no name here.
        """
        manifest = self._distribution.manifest(reference)
        if manifest.media_type != MANIFEST_TYPE:
            raise Refused(
                f"{reference} is no OCI image but {manifest.media_type or 'of an unnamed kind'}",
                hint="name one image of it by its digest",
            )
        repository, subject = reference.repository, manifest.digest
        signed = {kind: found for kind in (SIGNATURES, DOCUMENTS) if (found := self._beside(repository, subject, kind))}
        size = sum(self._fetch(repository, one, progress) for one in (*signed.values(), manifest))
        before = dict(self._registry.tags())
        for kind, one in signed.items():
            self._registry.tag(name_beside(subject, kind), one.digest)
        try:
            self._trust.check(Subject(digest=subject))
        except (Refused, WorldError):
            for kind in signed:
                self._as_before(name_beside(subject, kind), before)
            raise
        documents = tuple(self._documents(repository, subject))
        for document in documents:
            self._registry.attach(document)
        self._registry.tag(name, subject)
        return Carried(digest=subject, reference=name, signed=bool(signed), documents=len(documents), size_bytes=size)

    def _as_before(self, name: str, before: Mapping[str, Digest]) -> None:
        """What was signed here already does not suffer from what another registry has."""
        self._registry.untag(name)
        if name in before:
            self._registry.tag(name, before[name])

    def _beside(self, repository: Repository, subject: Digest, kind: str) -> Manifest | None:
        return self._found(Reference(repository=repository, tag=name_beside(subject, kind)))

    def _found(self, reference: Reference) -> Manifest | None:
        try:
            return self._distribution.manifest(reference)
        except Gone:
            return None

    def _fetch(self, repository: Repository, manifest: Manifest, progress: Progress) -> int:
        """Blobs first; then the manifest that names them."""
        blobs = {blob.digest: blob for blob in blobs_of(manifest.content)}
        missing = [blob for blob in blobs.values() if not self._registry.has(blob.digest)]
        with held(self._scratch, prefix=PULLING) as folder:
            places = [(blob, folder / blob.digest.removeprefix("sha256:")) for blob in missing]
            self._distribution.fetch(repository, places, progress=progress)
            for _, path in places:
                self._registry.adopt(path)
        self._registry.add(manifest.content)
        return sum(blob.size_bytes for blob in blobs.values())

    def _documents(self, repository: Repository, subject: Digest) -> Iterator[Attachment]:
        """What the registry lists as being about the artifact, or the index that stands for such a list."""
        index = self._distribution.referrers(repository, subject) or self._found(
            Reference(repository=repository, tag=referrers_tag(subject))
        )
        for entry in listed(index):
            manifest = self._found(Reference(repository=repository, digest=Digest(entry["digest"])))
            if manifest is not None and manifest.media_type == MANIFEST_TYPE:
                yield self._document(repository, subject, manifest)

    def _document(self, repository: Repository, subject: Digest, manifest: Manifest) -> Attachment:
        document = parsed(manifest.content)
        try:
            about, kind, (layer,) = document["subject"]["digest"], document["artifactType"], document["layers"]
            content = self._distribution.read(
                repository, Blob(digest=Digest(layer["digest"]), size_bytes=int(layer["size"]))
            )
            title = str(layer.get("annotations", {}).get(TITLE, ""))
            annotations = {str(key): str(value) for key, value in document.get("annotations", {}).items()}
        except (KeyError, TypeError, ValueError, AttributeError) as broken:
            raise Corrupt(f"the document {manifest.digest} of {repository} does not say what it brings") from broken
        if about != subject:
            raise Corrupt(f"the document {manifest.digest} of {repository} is about {about}, listed under {subject}")
        return Attachment(subject=subject, content=content, media_type=str(kind), title=title, annotations=annotations)
