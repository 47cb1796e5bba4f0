"""What lets releases through the pipeline."""

from functools import cached_property
from typing import TYPE_CHECKING

from repave.wiring.fleets import Fleets

if TYPE_CHECKING:
    from datetime import date

    from repave.operations.promoting.check_files import CheckFiles
    from repave.operations.promoting.checking import Checking
    from repave.operations.promoting.deciding import Deciding
    from repave.operations.promoting.promoting import Promoting
    from repave.operations.promoting.speaking import Speaking
    from repave.ports.checks import Asking
    from repave.ports.personal import PersonalSignatures

LARGEST_HOLIDAYS_BYTES = 64 * 1024
"""A thousand years of them."""


class Promotes(Fleets):
    """What lets releases through the pipeline."""

    @cached_property
    def promoting(self) -> "Promoting":
        """Who is let in."""
        from repave.operations.promoting.promoting import Promoting

        return Promoting(project=self.project, store=self.store, clock=self.clock, deciding=lambda: self._deciding)

    @cached_property
    def _deciding(self) -> "Deciding":
        """The pipeline's decisions."""
        from repave.operations.promoting.authors import Authors
        from repave.operations.promoting.deciding import Deciding
        from repave.operations.promoting.exposures import Exposing
        from repave.operations.promoting.gathering import Gathering, Sources
        from repave.operations.promoting.measuring import Measuring

        sources = Sources(
            authors=Authors(folder=self.folder, people=self.project.people, commands=self.commands),
            exposing=Exposing(
                project=self.project, advisories=lambda: self.advisories, store=self.store, clock=self.clock
            ),
            signatures=self.personal_signatures,
            holidays=self._holidays,
            checks=self._check_files.digest,
            measuring=Measuring(
                project=self.project,
                store=self.store,
                sources=lambda environment: self.metrics(environment.provider),
            ),
        )
        gathering = Gathering(project=self.project, store=self.store, sources=sources)
        return Deciding(project=self.project, store=self.store, gathering=gathering)

    @cached_property
    def checking(self) -> "Checking":
        """Checks, where the environments live."""
        from repave.jobs.check_logs import FolderLogs
        from repave.operations.promoting.checking import Bench, Checking

        bench = Bench(
            machines=lambda environment: self.machines(environment.provider),
            publish=self.publish,
            asking=_asking,
            logs=FolderLogs(self.state / "checks"),
            secrets=self.secrets,
        )
        return Checking(project=self.project, store=self.store, clock=self.clock, files=self._check_files, bench=bench)

    @cached_property
    def _check_files(self) -> "CheckFiles":
        from repave.operations.promoting.check_files import CheckFiles

        return CheckFiles(self.folder)

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


def _asking() -> "Asking":
    """Made for the first request: httpx takes its time to import."""
    from repave.jobs.asking import HttpAsking

    return HttpAsking()
