"""What every benchmark prints: a table for people, or with ``--json`` one object for machines."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured number, and what it should be."""

    figure: str
    """What was measured, in a few words."""

    value: float
    unit: str
    """``s``, ``x`` (a ratio), ``MiB`` ...; empty for a plain count."""

    aim: str = ""
    """As people say it: ``at most 1.2``; empty for a figure that is only told."""

    holds: bool | None = None
    """Whether the aim is met; None where there is none."""


def at_most(figure: str, value: float, unit: str, limit: float) -> Figure:
    """A figure whose aim is an upper limit, in the same unit."""
    return Figure(figure=figure, value=value, unit=unit, aim=f"at most {limit:g}", holds=value <= limit)


def at_least(figure: str, value: float, unit: str, limit: float) -> Figure:
    """A figure whose aim is a lower limit, in the same unit."""
    return Figure(figure=figure, value=value, unit=unit, aim=f"at least {limit:g}", holds=value >= limit)


def told(figure: str, value: float, unit: str) -> Figure:
    """A figure without an aim of its own: a peer's, or a part of another."""
    return Figure(figure=figure, value=value, unit=unit)


def report(name: str, figures: Sequence[Figure], as_json: bool) -> None:
    """Print the figures to standard output: the object ``{name, machine, figures}``, or a table."""
    if as_json:
        rows = [{**asdict(figure), "value": round(figure.value, 4)} for figure in figures]
        print(json.dumps({"name": name, "machine": machine(), "figures": rows}))
        return
    table = Table(title=f"{name} on {machine()}", title_justify="left")
    for heading in ("figure", "value", "unit", "aim", "holds"):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for figure in figures:
        holds = {None: "", True: "yes", False: "NO"}[figure.holds]
        table.add_row(figure.figure, f"{figure.value:.3f}", figure.unit, figure.aim, holds)
    Console(width=None if os.isatty(1) else 120).print(table)


def machine() -> str:
    """The machine in one line: cores, memory, kernel; nothing that names it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {_distribution()}, Linux {platform.release().split('-')[0]}"


def _distribution() -> str:
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    fields = dict(line.partition("=")[::2] for line in lines)
    return fields.get("PRETTY_NAME", "Linux").strip('"')
