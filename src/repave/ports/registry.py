"""Where artifacts live."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from repave.model.names import Digest
from repave.ports.attachments import Attachments


class Registry(Attachments, Protocol):
    """Blobs and manifests by their digest, as an OCI image layout; and documents about them."""

    def has(self, digest: Digest) -> bool:
        """Whether the blob or manifest is here."""
        ...

    def path(self, digest: Digest) -> Path:
        """Where the blob can be read; never write to it. Raises Gone."""
        ...

    def read(self, digest: Digest) -> bytes:
        """A small blob (manifest, configuration), verified. Raises Gone, Corrupt."""
        ...

    def add(self, content: bytes) -> Digest:
        """Keep a small blob. The same content again changes nothing."""
        ...

    def adopt(self, source: Path) -> Digest:
        """Move a finished local file in, without copying where the file system allows; ``source`` is gone after."""
        ...

    def tag(self, name: str, manifest: Digest) -> None:
        """Let ``name`` (as ``shop-web:r3``) point to the manifest; it may point elsewhere later."""
        ...

    def tags(self) -> tuple[tuple[str, Digest], ...]:
        """Every name and the manifest it points to, sorted."""
        ...

    def resolve(self, name: str) -> Digest:
        """The manifest a name points to, by an entry that is right in all it says. Raises Gone, Corrupt."""
        ...

    def untag(self, name: str) -> None:
        """Forget a name; what is not here is no error."""
        ...

    def blobs(self) -> Iterable[tuple[Digest, int]]:
        """Every blob here: digest and size in bytes."""
        ...

    def remove(self, digest: Digest) -> None:
        """Forget a blob; what is not here is no error."""
        ...
