"""The findings port over one database: each finding once, under the sha256 of its document."""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from hashlib import sha256

from sqlalchemy import Connection, delete, func, insert, select, update

from repave.model.exposure import Examination
from repave.model.finding import Finding
from repave.model.names import Digest
from repave.store.counters import hold
from repave.store.database import Database
from repave.store.documents import decode, encode
from repave.store.schema import finding_names, reported
from repave.store.schema import findings as kept
from repave.store.schema import reports as table

COUNTER = "finding"
"""Nothing is numbered by it: who holds it writes findings, others wait; so each is written once."""

REMEMBERED = 4096
"""Documents of findings, of about 1 kB each."""


class SqlFindings:
    """The last word on each artifact."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep_findings(self, artifact: Digest, examination: Examination, findings: Iterable[Finding]) -> None:
        """Keep what an examination found, in the place of what the one before it did."""
        values = {"at": examination.at, "document": encode(examination)}
        with self._database.writing() as connection:
            hold(connection, COUNTER)
            known = connection.execute(update(table).where(table.c.artifact == artifact).values(**values))
            if not known.rowcount:
                connection.execute(insert(table).values(artifact=artifact, **values))
            before = _held(connection, artifact)
            connection.execute(delete(reported).where(reported.c.artifact == artifact))
            _add(connection, {artifact: 0}, findings)
            _forget(connection, before - _held(connection, artifact))

    def add_findings(self, artifacts: Collection[Digest], findings: Iterable[Finding]) -> None:
        """Keep these as well, of each; nothing of an artifact that was never examined."""
        # A look into the index for each: a join reads all that is kept of them.
        last = select(func.max(reported.c.position)).where(reported.c.artifact == table.c.artifact).scalar_subquery()
        highest = select(table.c.artifact, func.coalesce(last, -1).label("position")).where(
            table.c.artifact.in_(artifacts)
        )
        with self._database.writing() as connection:
            hold(connection, COUNTER)
            first = {Digest(row.artifact): row.position + 1 for row in connection.execute(highest)}
            _add(connection, first, findings)

    def examinations(self) -> Mapping[Digest, Examination]:
        """The last of each artifact."""
        with self._database.reading() as connection:
            rows = connection.execute(select(table.c.artifact, table.c.document))
            return {Digest(artifact): decode(Examination, document) for artifact, document in rows}

    def findings(self, artifact: Digest) -> tuple[Finding, ...]:
        """What is kept of it."""
        documents = (
            select(kept.c.document)
            .join(reported, reported.c.finding == kept.c.digest)
            .where(reported.c.artifact == artifact)
            .order_by(reported.c.position)
        )
        with self._database.reading() as connection:
            return tuple(decode(Finding, document) for document in connection.scalars(documents))

    def found(self, flaw: str) -> Mapping[Digest, tuple[Finding, ...]]:
        """By artifact, what is kept under a CVE or another name of a flaw."""
        held = (
            select(reported.c.artifact, kept.c.digest, kept.c.document)
            .join(kept, kept.c.digest == reported.c.finding)
            .join(finding_names, finding_names.c.finding == kept.c.digest)
            .where(finding_names.c.name == flaw)
            .order_by(reported.c.artifact, reported.c.position)
        )
        read: dict[str, Finding] = {}
        answer: dict[Digest, tuple[Finding, ...]] = {}
        with self._database.reading() as connection:
            for artifact, digest, document in connection.execute(held):
                if digest not in read:
                    read[digest] = decode(Finding, document)
                answer[Digest(artifact)] = (*answer.get(Digest(artifact), ()), read[digest])
        return answer


def _held(connection: Connection, artifact: Digest) -> set[str]:
    return set(connection.scalars(select(reported.c.finding).where(reported.c.artifact == artifact)))


def _add(connection: Connection, first: Mapping[Digest, int], found: Iterable[Finding]) -> None:
    """What each artifact has not yet, from a position of its own on."""
    documents = {digest: (one, document) for one in found for digest, document in (_document(one),)}
    if not (documents and first):
        return
    known = set(connection.scalars(select(kept.c.digest).where(kept.c.digest.in_(documents))))
    unknown = [digest for digest in documents if digest not in known]
    if unknown:
        connection.execute(insert(kept), [{"digest": one, "document": documents[one][1]} for one in unknown])
    names = [{"name": name, "finding": one} for one in unknown for name in sorted(documents[one][0].names)]
    if names:
        connection.execute(insert(finding_names), names)
    theirs = reported.c.artifact.in_(first) & reported.c.finding.in_(documents)
    rows = connection.execute(select(reported.c.artifact, reported.c.finding).where(theirs))
    held = {(row.artifact, row.finding) for row in rows}
    new = [
        {"artifact": artifact, "position": position, "finding": digest}
        for artifact, start in first.items()
        for position, digest in enumerate((one for one in documents if (artifact, one) not in held), start)
    ]
    if new:
        connection.execute(insert(reported), new)


@lru_cache(REMEMBERED)
def _document(finding: Finding) -> tuple[str, str]:
    """Its digest, and the text; a release has mostly those of the one before it."""
    document = encode(finding)
    return sha256(document.encode()).hexdigest(), document


def _forget(connection: Connection, gone: set[str]) -> None:
    """What no artifact has any more."""
    still = set(connection.scalars(select(reported.c.finding).where(reported.c.finding.in_(gone)).distinct()))
    if lost := gone - still:
        connection.execute(delete(finding_names).where(finding_names.c.finding.in_(lost)))
        connection.execute(delete(kept).where(kept.c.digest.in_(lost)))
