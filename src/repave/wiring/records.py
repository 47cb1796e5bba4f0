"""Bundles of records, which are checked without any project."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repave.operations.recording.verifying import Verdict
    from repave.ports.progress import Progress


def verified_bundle(path: Path, keys: Iterable[Path], progress: "Progress") -> "Verdict":
    """What a bundle is worth, by these public keys. Raises Refused for what is no bundle, Gone, Denied, Invalid."""
    from repave.attestations.signatures.keys import Judge
    from repave.attestations.signatures.opening import public_key
    from repave.operations.recording.verifying import verify_bundle

    return verify_bundle(path, [public_key(key, name=str(key)) for key in keys], Judge, progress)
