"""Evidence is kept together with its place in the record: neither is there without the other."""

from collections.abc import Mapping
from dataclasses import fields

from repave.model.event import Event
from repave.model.evidence import Approval, Checked, Entry, Failed, Record, Soaked, Waiver
from repave.model.names import ReleaseNumber
from repave.ports.store import Store


def keep(store: Store, record: Record) -> None:
    """In one transaction. What people signed is recorded as theirs."""
    signed = record.person if isinstance(record, Approval | Waiver) else ""
    event = Event(at=record.at, kind=record.kind, message=_words(record), by=signed, details=_details(store, record))
    with store.together():
        store.keep_evidence(record)
        store.record([event])


def _details(store: Store, record: Record) -> Mapping[str, object]:
    """All that it says, and what the release is made of."""
    said = {field.name: getattr(record, field.name) for field in fields(record) if field.name not in {"kind", "at"}}
    number: ReleaseNumber | None = said.get("release")
    return said if number is None else {**said, "artifacts": dict(store.release(number).artifacts)}


def _words(record: Record) -> str:
    """For people; nothing of a word that came to nothing: what was asked for is told when it enters."""
    match record:
        case Approval():
            return f"{record.person} agrees that r{record.release} enters {record.environment}: {record.reason}"
        case Waiver():
            return f"{record.person} answers for {record.flaw} until {record.until:%Y-%m-%d %H:%M} UTC: {record.reason}"
        case Entry():
            emergency = f", in an emergency: {record.emergency}" if record.emergency else ""
            passed = "".join(f", passing r{number}" for number in record.skipped)
            return f"r{record.release} enters {record.environment}{passed}{emergency}"
        case Soaked() | Checked() | Failed():
            return _seen(record)
        case _:
            return ""


def _seen(record: Soaked | Checked | Failed) -> str:
    """What was observed of a release."""
    match record:
        case Soaked():
            return f"r{record.release} has run well in {record.environment} since {record.since:%Y-%m-%d %H:%M} UTC"
        case Checked():
            came = "passed" if record.passed else "failed"
            return f"{record.check} {came} on r{record.release} in {record.environment}: {record.detail}"
        case Failed():
            return f"r{record.release} failed in {record.environment}: {record.detail}"
