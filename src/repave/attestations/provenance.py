"""How an artifact was made: SLSA Provenance v1, from the lock and the recipe alone.

Sources: SLSA Provenance v1.0 (model, parameters, resolved dependencies); in-toto "ResourceDescriptor".
It has no time and no number of its own: who made the same artifact from the same lock says the same. When each was
recorded is in the store.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from repave.model.statement import PROVENANCE, STATEMENT_MEDIA_TYPE, Statement, canonical
from repave.ports.inventories import Made

BUILD_TYPE = "urn:repave:bake:v1"
"""What the parameters mean: `docs/explanation/provenance.md`."""

BUILDER = "urn:repave:local"
"""Repave on somebody's machine. Who vouches for that machine is told by the signature."""


class BakeProvenance:
    """Says how artifacts were made."""

    def __init__(self, *, version: str) -> None:
        """``version`` is repave's."""
        self._version = version

    def provenance(self, made: Made, recipe: Mapping[str, object]) -> Statement:
        """The statement of one artifact; see the port."""
        predicate = {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "project": made.project,
                    "image": made.artifact.image,
                    "lock": {"digest": _digest(made.lock_digest)},
                    "recipe": recipe,
                },
                "internalParameters": {"repave": self._version},
                "resolvedDependencies": list(_dependencies(made)),
            },
            "runDetails": {"builder": {"id": BUILDER, "version": {"repave": self._version}}},
        }
        return Statement(
            subject=made.artifact.digest,
            name=made.name,
            predicate_type=PROVENANCE,
            media_type=STATEMENT_MEDIA_TYPE,
            document=canonical(predicate),
        )


def _dependencies(made: Made) -> Iterator[dict[str, Any]]:
    """The lock, then every file that it names for the image."""
    yield {"name": "repave.lock", "digest": _digest(made.lock_digest)}
    image = made.artifact.image
    packages = made.lock.packages_of(image)
    for package in sorted(packages, key=lambda package: (package.ecosystem, package.filename, package.sha256)):
        yield {
            "name": package.filename,
            "uri": package.origin,
            "digest": {"sha256": package.sha256},
            "annotations": {"ecosystem": package.ecosystem, "package": package.name, "version": package.version},
        }
    for file in sorted(made.lock.files_of(image), key=lambda file: file.target):
        yield {"name": file.target, "digest": {"sha256": file.sha256}, "annotations": {"origin": file.origin}}


def _digest(text: str) -> dict[str, str]:
    algorithm, _, value = text.partition(":")
    return {algorithm: value}
