"""What every store keeps of releases' ways through the pipeline."""

from datetime import UTC, datetime, timedelta

import pytest

from repave.model.evidence import Approval, Entry, Failed, Record, Request, RolledBack, Soaked, Waiver
from repave.model.names import EnvironmentName, PersonName, ReleaseNumber
from repave.ports.store import Store

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
PROD, R2 = EnvironmentName("prod"), ReleaseNumber(2)
ANA = PersonName("ana")

RECORDS: tuple[Record, ...] = (
    Approval(environment=PROD, release=R2, person=ANA, reason="tried", at=NOW, signature="-----BEGIN"),
    Waiver(flaw="CVE-1", person=ANA, reason="not reached", at=NOW, until=NOW + timedelta(days=7)),
    Request(environment=PROD, release=R2, at=NOW, emergency="orders are lost"),
    Entry(environment=PROD, release=R2, at=NOW, skipped=(ReleaseNumber(1),)),
    Soaked(environment=PROD, release=R2, since=NOW - timedelta(hours=1), at=NOW),
    Failed(environment=PROD, release=R2, at=NOW, detail="it crashed"),
    RolledBack(environment=PROD, release=R2, at=NOW),
)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.kind)
def test_evidence_is_given_back_as_it_was_kept(store: Store, record: Record) -> None:
    """Every kind of it, with its times to the microsecond."""
    store.keep_evidence(record)
    assert store.evidence() == (record,)


def test_evidence_stands_in_its_order_and_once(store: Store) -> None:
    """An operation that is done again after a crash adds nothing."""
    for record in (*RECORDS, *RECORDS):
        store.keep_evidence(record)
    assert store.evidence() == RECORDS
