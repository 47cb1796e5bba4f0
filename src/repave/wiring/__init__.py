"""The composition root: the one place that names concrete adapters, each made when it is first needed.

Imports stand inside the properties on purpose: `repave status` must not pay for what only `repave bake` uses.

Each part stands on the one before it: the project's folder, where bytes come from, locks, artifacts, trust, fleets, the
pipeline, freshness, reports.
"""

from pathlib import Path

from repave.operations.errors import Refused
from repave.wiring.reporting import Reports

PROJECT_FILE = "repave.yaml"


def project_file(given: Path | None, start: Path) -> Path:
    """The file given, or the nearest ``repave.yaml`` from ``start`` upwards. Raises Refused without one."""
    if given is not None:
        file = given / PROJECT_FILE if given.is_dir() else given
        if not file.is_file():
            raise Refused(f"there is no file {given}", hint="`repave init` writes a starter repave.yaml")
        return file.resolve()
    for folder in (start, *start.parents):
        file = folder / PROJECT_FILE
        if file.is_file():
            return file
        if file.exists():
            raise Refused(f"{file} is no file", hint="move it away; `repave init` writes a starter file")
    raise Refused(
        f"there is no {PROJECT_FILE} in {start} or any folder above", hint="`repave init` writes a starter file"
    )


class Wiring(Reports):
    """Everything one run of one verb may need, of one project."""
