"""One scan, in the format that is asked for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from repave.cli.formats.sarif import LockText, sarif
from repave.cli.screen import plain
from repave.config.lockfile import canonical
from repave.config.pinlines import pin_lines
from repave.operations.errors import Refused
from repave.operations.rewriting import replacing
from repave.operations.scan import Scan, Vulnerable
from repave.operations.urgency import Threshold, reaches
from repave.wiring import Wiring


class Format(StrEnum):
    """What a scan can be written as."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    CYCLONEDX = "cyclonedx"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was found, and how much of it counts."""

    found: Scan
    fail_on: Threshold
    wiring: Wiring

    @property
    def failing(self) -> tuple[Vulnerable, ...]:
        """Those as bad as the threshold."""
        return tuple(one for one in self.found.findings if reaches(one, self.fail_on))

    @property
    def plain(self) -> dict[str, object]:
        """Our own document."""
        found = self.found
        return {
            "subject": found.subject,
            "verdict": found.verdict,
            "fail_on": self.fail_on,
            "failing": len(self.failing),
            "findings": found.findings,
            "dismissed": found.dismissed,
            "cves": found.cves,
            "sources": found.sources,
            "unjudged": found.unjudged,
        }

    def text(self, written: Format) -> str:
        """The whole document."""
        from importlib.metadata import version  # noqa: PLC0415 - only a document says which version made it

        if written is Format.CYCLONEDX:
            # The library takes 0.3 s, and only who asks for this document pays.
            from repave.cli.formats.cyclonedx import Made, cyclonedx  # noqa: PLC0415 - see above

            made = Made(project=self.wiring.project.name, version=version("repave"), at=self.wiring.clock.now())
            return _dumped(cyclonedx(self.found, made, self.wiring.purl))
        if written is Format.SARIF:
            return _dumped(sarif(self.found, version=version("repave"), lock=self._lock_text))
        return _dumped(plain(self.plain))

    @cached_property
    def _lock_text(self) -> LockText | None:
        """The file in the project's folder, when it is what was examined."""
        locked = self.wiring.locked
        if locked.present() != canonical(self.found.lock):
            return None
        path = locked.path
        text = path.read_text(encoding="utf-8")
        here = Path.cwd().resolve()
        place = path.resolve()
        named = place.relative_to(here) if place.is_relative_to(here) else Path(path.name)
        return LockText(path=named.as_posix(), lines=pin_lines(text))


def _dumped(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def write(content: str | bytes | Iterator[str], path: Path) -> None:
    """The old content or the new, never a part; a text also in pieces. Raises Refused when it cannot be written."""
    whole = content.encode() if isinstance(content, str) else content
    pieces = [whole] if isinstance(whole, bytes) else (piece.encode() for piece in whole)
    try:
        with replacing(path) as file:
            file.writelines(pieces)
    except OSError as trouble:
        raise Refused(
            f"{path} cannot be written: {(trouble.strerror or str(trouble)).lower()}",
            hint="name a file in a folder that is there and may be written to",
        ) from trouble
