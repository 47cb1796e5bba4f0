"""The documents that every artifact has beside it: what it is made of, and how it was made."""

import json
from collections.abc import Mapping

from repave.model.statement import CYCLONEDX, PROVENANCE, STATEMENT_MEDIA_TYPE, Statement, canonical
from repave.ports.attachments import Attached, Attachment, Attachments
from repave.ports.errors import Gone
from repave.ports.inventories import Inventories, Made, Provenances, SbomFormat
from repave.ports.progress import Progress

PREDICATE_TYPE = "in-toto.io/predicate-type"
LOCK = "repave.lock"
ENDINGS = {CYCLONEDX: "cdx.json", PROVENANCE: "intoto.json"}
"""Of file names, by what kind of document it is; every artifact has one of each."""


class Documents:
    """Makes them once, and finds them again."""

    def __init__(self, *, attachments: Attachments, inventories: Inventories, provenances: Provenances) -> None:
        self._attachments = attachments
        self._inventories = inventories
        self._provenances = provenances

    def keep(self, made: Made, recipe: Mapping[str, object], progress: Progress) -> tuple[Attached, ...]:
        """Have a document of each kind beside the artifact, about the lock it was made from; what is there stays.

        A document tells which repave made the artifact, so a newer one writes none over it. Raises what ``Inventories``
        and the registry raise.
        """
        found = self._found(made)
        for kind in ENDINGS:
            if kind not in found or not self._is_here(found[kind]):
                found[kind] = self._attachments.attach(_attachment(self._statement(kind, made, recipe, progress), made))
        return tuple(found[kind] for kind in ENDINGS)

    def bill(self, made: Made, form: SbomFormat, progress: Progress) -> Statement:
        """What the artifact is made of: the document that was kept, else made now."""
        if form is SbomFormat.CYCLONEDX and (kept := self._found(made).get(CYCLONEDX)):
            return self._read(kept, made)
        return self._inventories.sbom(made, form, progress=progress)

    def statements(self, made: Made) -> tuple[Statement, ...]:
        """What was kept of the artifact, to be signed: a statement of each kind. Raises Gone, Corrupt."""
        return tuple(self._read(kept, made) for _, kept in sorted(self._found(made).items()))

    def _found(self, made: Made) -> dict[str, Attached]:
        listed = self._attachments.attached(made.artifact.digest)
        return {
            one.annotations.get(PREDICATE_TYPE, ""): one
            for one in listed
            if one.annotations.get(LOCK) == made.lock_digest
        }

    def _is_here(self, kept: Attached) -> bool:
        """Whether a listed document is whole; one that was removed is made again. Raises Corrupt."""
        try:
            self._attachments.document(kept)
        except Gone:
            return False
        return True

    def _statement(self, kind: str, made: Made, recipe: Mapping[str, object], progress: Progress) -> Statement:
        if kind == PROVENANCE:
            return self._provenances.provenance(made, recipe)
        return self._inventories.sbom(made, SbomFormat.CYCLONEDX, progress=progress)

    def _read(self, kept: Attached, made: Made) -> Statement:
        content = self._attachments.document(kept)
        whole = kept.media_type == STATEMENT_MEDIA_TYPE
        return Statement(
            subject=made.artifact.digest,
            name=made.name,
            predicate_type=kept.annotations[PREDICATE_TYPE],
            media_type=kept.media_type,
            document=canonical(json.loads(content)["predicate"]) if whole else content,
        )


def _attachment(statement: Statement, made: Made) -> Attachment:
    return Attachment(
        subject=statement.subject,
        content=statement.alone,
        media_type=statement.media_type,
        title=f"{statement.name.replace('/', '-')}.{ENDINGS[statement.predicate_type]}",
        annotations={PREDICATE_TYPE: statement.predicate_type, LOCK: made.lock_digest},
    )
