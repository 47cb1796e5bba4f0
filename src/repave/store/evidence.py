"""The evidence port over one database."""

from dataclasses import dataclass

from sqlalchemy import insert, select

from repave.model.evidence import Record
from repave.store.database import Database
from repave.store.documents import decode, encode
from repave.store.schema import evidence


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """What a document holds: one record of any kind."""

    record: Record


class SqlEvidence:
    """What people said of releases, and what was observed of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep_evidence(self, record: Record) -> None:
        """Add it, once."""
        document = encode(_Kept(record=record))
        with self._database.writing() as connection:
            same = select(evidence.c.position).where(evidence.c.at == record.at, evidence.c.document == document)
            if connection.scalar(same) is None:
                row = {"kind": record.kind, "at": record.at, "document": document}
                connection.execute(insert(evidence), row)

    def evidence(self) -> tuple[Record, ...]:
        """All of it, in the order it was kept."""
        with self._database.reading() as connection:
            documents = connection.scalars(select(evidence.c.document).order_by(evidence.c.position))
            return tuple(decode(_Kept, document).record for document in documents)
