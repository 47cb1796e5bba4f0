"""What is told to auditors."""

from functools import cached_property
from typing import TYPE_CHECKING

from repave.wiring.watching import Watches

if TYPE_CHECKING:
    from repave.model.evidence import Waiver
    from repave.operations.reporting.gathering import Gathering
    from repave.ports.printer import Printer


class Reports(Watches):
    """What is told to auditors."""

    @cached_property
    def reporting(self) -> "Gathering":
        """What a report for auditors is made of."""
        from repave.operations.promoting.words import words_of_waiver
        from repave.operations.reporting.gathering import Gathering

        def signed(waiver: "Waiver") -> bool:
            words, people = words_of_waiver(self.project.name, waiver), self.project.people
            return self.personal_signatures.signed_by(words, waiver.signature, people) == waiver.person

        return Gathering(project=self.project, store=self.store, signed=signed)

    @cached_property
    def printer(self) -> "Printer":
        """Pages as PDF."""
        from repave.jobs.printing import BrowserPrinter

        return BrowserPrinter(self.commands)
