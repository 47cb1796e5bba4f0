"""The inventories port over the vault."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

from repave.model.statement import CYCLONEDX, SPDX, Statement
from repave.ports.inventories import Made, SbomFormat
from repave.ports.progress import Progress
from repave.ports.vault import Vault

if TYPE_CHECKING:
    from repave.attestations.sbom.inventory import Inventory

PREDICATES = {SbomFormat.CYCLONEDX: CYCLONEDX, SbomFormat.SPDX: SPDX}
MEDIA_TYPES = {
    SbomFormat.CYCLONEDX: "application/vnd.cyclonedx+json",
    SbomFormat.SPDX: "application/spdx+json",
}


class PackageInventories:
    """Lists what artifacts are made of."""

    def __init__(
        self, *, vault: Vault, folder: Path, version: str, plain: Callable[[str], Path | None] = lambda _: None
    ) -> None:
        """``folder`` is for what was read before; ``version`` is that of repave.

        ``plain`` tells where a Debian package lies uncompressed, by its sha256.
        """
        self._vault = vault
        self._folder = folder
        self._version = version
        self._plain = plain

    def sbom(self, made: Made, form: SbomFormat, *, progress: Progress) -> Statement:
        """Every package and file of one artifact; see the port."""
        from repave.attestations.sbom.assembly import inventory  # noqa: PLC0415 - most bakes find it made
        from repave.attestations.sbom.below import BelowReader  # noqa: PLC0415 - the same
        from repave.attestations.sbom.facts import FactsReader  # noqa: PLC0415 - the same

        packages = made.lock.packages_of(made.artifact.image)
        facts = FactsReader(vault=self._vault, folder=self._folder, plain=self._plain).of(packages, progress=progress)
        below = BelowReader(vault=self._vault, folder=self._folder).of(packages, progress=progress)
        listed = inventory(made, facts, below, version=self._version)
        return Statement(
            subject=made.artifact.digest,
            name=made.name,
            predicate_type=PREDICATES[form],
            media_type=MEDIA_TYPES[form],
            document=_written(listed, form, serial(listed, form)),
        )


def serial(listed: "Inventory", form: SbomFormat) -> UUID:
    """What a document is known by: made from all that it says, so that the same has the same."""
    return uuid5(NAMESPACE_URL, f"repave {form} {sha256(repr(listed).encode()).hexdigest()}")


def _written(listed: "Inventory", form: SbomFormat, known_by: UUID) -> bytes:
    match form:
        case SbomFormat.CYCLONEDX:
            from repave.attestations.sbom.cyclonedx import cyclonedx  # noqa: PLC0415 - its library takes 150 ms

            return cyclonedx(listed, serial=known_by)
        case SbomFormat.SPDX:
            from repave.attestations.sbom.spdx import spdx  # noqa: PLC0415 - one of the two is needed

            return spdx(listed, serial=known_by)
