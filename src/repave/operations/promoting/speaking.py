"""What people say of releases and flaws, each word signed by their own key."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from repave.model.evidence import Approval, Waiver
from repave.model.names import PersonName
from repave.model.project import Environment, Project
from repave.model.release import Release
from repave.operations.errors import Refused
from repave.operations.promoting.keeping import keep
from repave.operations.promoting.reasons import reason_given
from repave.operations.promoting.words import words_of_approval, words_of_waiver
from repave.ports.clock import Clock
from repave.ports.personal import PersonalSignatures
from repave.ports.store import Store

NOBODY = PersonName("")


class Speaking:
    """Approvals and waivers of one project."""

    def __init__(self, *, project: Project, store: Store, clock: Clock, signatures: PersonalSignatures) -> None:
        self._project = project
        self._store = store
        self._clock = clock
        self._signatures = signatures

    def approve(self, release: Release, environment: Environment, reason: str, key: Path) -> Approval:
        """One person agrees that the release enters the environment. Raises Refused, Gone, Denied."""
        if not environment.gates.approvals:
            raise Refused(
                f"{environment.name} wants nobody's approval",
                hint=f"`environments.{environment.name}.gates.approvals` says how many must agree",
            )
        said = Approval(
            environment=environment.name,
            release=release.number,
            person=NOBODY,
            reason=reason_given(reason),
            at=self._clock.now(),
        )
        person, signature = self._sign(words_of_approval(self._project.name, said, release), key)
        said = replace(said, person=person, signature=signature)
        keep(self._store, said)
        return said

    def waive(self, flaw: str, until: datetime, reason: str, key: Path) -> Waiver:
        """One person answers for a flaw until then. Raises Refused, Gone, Denied."""
        said = Waiver(flaw=flaw, person=NOBODY, reason=reason_given(reason), at=self._clock.now(), until=until)
        person, signature = self._sign(words_of_waiver(self._project.name, said), key)
        said = replace(said, person=person, signature=signature)
        keep(self._store, said)
        return said

    def _sign(self, words: bytes, key: Path) -> tuple[PersonName, str]:
        signature = self._signatures.sign(words, key)
        person = self._signatures.signed_by(words, signature, self._project.people)
        if person is None:
            known = ", ".join(one.name for one in self._project.people) or "nobody"
            raise Refused(
                f"{key} is no key of anybody under `people`, which names {known}",
                hint="put its public half (.pub) under `people` in repave.yaml, or sign with another: --key",
            )
        return person, signature
