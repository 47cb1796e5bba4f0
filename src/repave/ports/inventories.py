"""What artifacts are made of and how, told in the formats others read."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from repave.model.artifact import Artifact
from repave.model.lock import Lock
from repave.model.names import Digest, ProjectName
from repave.model.statement import Statement
from repave.ports.progress import Progress


class SbomFormat(StrEnum):
    """In which format."""

    CYCLONEDX = "cyclonedx"
    SPDX = "spdx"


@dataclass(frozen=True, kw_only=True)
class Made:
    """One artifact, and what it was made from."""

    project: ProjectName
    artifact: Artifact
    lock: Lock
    lock_digest: Digest

    @property
    def name(self) -> str:
        """What people call the artifact: ``shop/web``."""
        return f"{self.project}/{self.artifact.image}"


class Inventories(Protocol):
    """Lists what artifacts are made of, from the locked files in the vault."""

    def sbom(self, made: Made, form: SbomFormat, *, progress: Progress) -> Statement:
        """Every package and file of one artifact: the same artifact and lock give the same bytes, on any day.

        Raises Gone (a locked file is not in the vault), Corrupt.
        """
        ...


class Provenances(Protocol):
    """Says how artifacts were made."""

    def provenance(self, made: Made, recipe: Mapping[str, object]) -> Statement:
        """By whom, from which files, as which recipe asked for: the same artifact, lock and recipe give the same bytes.

        ``recipe`` holds what was declared of the image: lists, objects, texts and numbers only.
        """
        ...
