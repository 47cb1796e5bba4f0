"""The report for machines: one JSON document, and a CSV table of every server."""

import csv
import json
from collections.abc import Iterator
from dataclasses import fields

from repave.cli.screen import plain
from repave.operations.reporting.audit import Audit
from repave.operations.reporting.exposures import ExposedFlaw
from repave.operations.reporting.servers import Server

SCHEMA = "repave report 1"
"""Counts up when a field changes its meaning or goes; new ones may come at any time."""

APART = frozenset({"servers", "flaws", "labour", "fleets", "record"})
"""Fields of a report that hold more, or are more, than their own fields say."""

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet compute a cell instead of showing it."""


def json_pieces(audit: Audit) -> Iterator[str]:
    """Everything that the page shows, and all that it leaves out, as ``docs/reference/report.md`` describes it.

    Piece by piece: a year of ten thousand servers is hundreds of megabytes.
    """
    yield json.dumps(_without_servers(audit), ensure_ascii=False, indent=1).removesuffix("\n}")
    yield ',\n "servers": ['
    for number, one in enumerate(audit.servers):
        yield f"{',' if number else ''}\n  {json.dumps(plain(one._asdict()), ensure_ascii=False)}"
    yield "\n ]\n}\n"


def _without_servers(audit: Audit) -> dict[str, object]:
    whole = {field.name: getattr(audit, field.name) for field in fields(audit) if field.name not in APART}
    labour = audit.labour
    return {
        "schema": SCHEMA,
        **{name: plain(value) for name, value in whole.items()},
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


def csv_pieces(audit: Audit) -> Iterator[str]:
    """A line for each server, in the order of the report."""
    lines = csv.writer(Echo(), lineterminator="\n")
    yield lines.writerow([*Server._fields, "explained"])
    for one in audit.servers:
        yield lines.writerow([_cell(plain(value)) for value in (*one, one.explained)])


class Echo:
    """For ``csv``: gives back what is written, which ``writerow`` then answers."""

    def write(self, line: str) -> str:
        """The same."""
        return line


def _cell(value: object) -> str:
    """As text that no spreadsheet takes for a formula."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    text = f"{value:.0f}" if isinstance(value, float) else str(value)
    return f"'{text}" if text.startswith(FORMULAS) and not isinstance(value, int | float) else text
