"""The report for machines: one JSON document, and a CSV table of every server."""

import csv
import io
import json
from dataclasses import fields

from repave.cli.screen import plain
from repave.operations.reporting.audit import Audit
from repave.operations.reporting.exposures import ExposedFlaw
from repave.operations.reporting.servers import Server

SCHEMA = "repave report 1"
"""Counts up when a field changes its meaning or goes; new ones may come at any time."""

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet compute a cell instead of showing it."""


def json_text(audit: Audit) -> str:
    """Everything that the page shows, and all that it leaves out."""
    return json.dumps(document(audit), ensure_ascii=False, indent=1) + "\n"


def document(audit: Audit) -> dict[str, object]:
    """As ``docs/reference/report.md`` describes it."""
    whole = {field.name: getattr(audit, field.name) for field in fields(audit)}
    whole["servers"] = [one._asdict() for one in audit.servers]
    labour = audit.labour
    return {
        "schema": SCHEMA,
        **{name: plain(value) for name, value in whole.items() if name not in {"flaws", "labour", "fleets", "record"}},
        "fleets": [{**_fields(fleet), "replaced": fleet.replaced} for fleet in audit.fleets],
        "flaws": [_flaw(one) for one in audit.flaws],
        "labour": None if labour is None else {**_fields(labour), "hours": labour.hours},
        "record": {**_fields(audit.record), "events": audit.record.events},
    }


def _fields(value: object) -> dict[str, object]:
    known = plain(value)
    return dict(known) if isinstance(known, dict) else {}


def _flaw(one: ExposedFlaw) -> dict[str, object]:
    return {**_fields(one), "seconds": one.seconds}


def csv_text(audit: Audit) -> str:
    """A line for each server, in the order of the report."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*Server._fields, "explained"])
    for one in audit.servers:
        writer.writerow([_cell(plain(value)) for value in (*one, one.explained)])
    return stream.getvalue()


def _cell(value: object) -> str:
    """As text that no spreadsheet takes for a formula."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    text = f"{value:.0f}" if isinstance(value, float) else str(value)
    return f"'{text}" if text.startswith(FORMULAS) and not isinstance(value, int | float) else text
