"""What lets releases through the pipeline."""

from functools import cached_property
from typing import TYPE_CHECKING

from repave.wiring.fleets import Fleets

if TYPE_CHECKING:
    from datetime import date

    from repave.operations.promoting.promoting import Promoting
    from repave.operations.promoting.speaking import Speaking
    from repave.ports.personal import PersonalSignatures

LARGEST_HOLIDAYS_BYTES = 64 * 1024
"""A thousand years of them."""


class Promotes(Fleets):
    """What lets releases through the pipeline."""

    @cached_property
    def promoting(self) -> "Promoting":
        """The pipeline's decisions."""
        from repave.operations.promoting.authors import Authors
        from repave.operations.promoting.exposures import Exposing
        from repave.operations.promoting.gathering import Gathering, Sources
        from repave.operations.promoting.promoting import Promoting

        sources = Sources(
            authors=Authors(folder=self.folder, people=self.project.people, commands=self.commands),
            exposing=Exposing(
                project=self.project, advisories=lambda: self.advisories, store=self.store, clock=self.clock
            ),
            signatures=self.personal_signatures,
            holidays=self._holidays,
        )
        gathering = Gathering(project=self.project, store=self.store, sources=sources)
        return Promoting(project=self.project, store=self.store, clock=self.clock, gathering=gathering)

    @cached_property
    def speaking(self) -> "Speaking":
        """Approvals and waivers."""
        from repave.operations.promoting.speaking import Speaking

        return Speaking(project=self.project, store=self.store, clock=self.clock, signatures=self.personal_signatures)

    @cached_property
    def personal_signatures(self) -> "PersonalSignatures":
        """Of people, by their own keys."""
        from repave.attestations.signatures.ssh import SshSignatures

        return SshSignatures(self.commands)

    def _holidays(self, name: str) -> "frozenset[date]":
        from repave.config.gates import holidays_in
        from repave.config.reading import read_text

        hint = "`gates.holidays` names a file of the project with a day on each line"
        text = read_text(self.folder / name, largest_bytes=LARGEST_HOLIDAYS_BYTES, hint=hint)
        return holidays_in(text, filename=name)
