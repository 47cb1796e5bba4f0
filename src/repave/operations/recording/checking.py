"""The chain, checked link by link: what was changed, taken out, put in or moved, each by its number."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from repave.model.chain import link
from repave.model.statement import canonical
from repave.operations.recording.sayings import (
    HAND_OVER,
    HAND_OVER_TYPE,
    HEAD,
    HEAD_TYPE,
    content_of,
    said_by,
)
from repave.ports.signatures import Judges, TrustedKey


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong."""

    number: int | None
    """Of the event; None for what is wrong with the whole."""

    message: str


class Chain:
    """Takes events one by one, in the order in which they stand, and keeps what is wrong with them."""

    def __init__(
        self, *, project: str, first: int, previous: str, keys: Collection[TrustedKey], judges: Judges
    ) -> None:
        self.problems: list[Problem] = []
        self.events = 0
        self.heads = 0
        """Heads within the record that a trusted key signed and that hold."""
        self.strange_heads = 0
        """Heads within the record that name another key: they say nothing."""

        self._project = project
        self._judges = judges
        self._keys = tuple(keys)
        self.judge = judges(self._keys)
        self._next = first
        self._previous = previous
        self._hashes: dict[int, str] = {}

    @property
    def number(self) -> int:
        """Of the last event; one less than the first before there is any."""
        return self._next - 1

    @property
    def hash(self) -> str:
        """Of the last event."""
        return self._previous

    def take(self, event: Mapping[str, object], kept: str) -> None:
        """The next event that stands there, and the hash that was kept of it."""
        number = event.get("number")
        if not isinstance(number, int) or isinstance(number, bool):
            self.problems.append(Problem(number=None, message=f"what stands after event {self.number} has no number"))
            return
        self.events += 1
        if number > self._next:
            last = number - 1
            missing = f"event {last} is" if last == self._next else f"events {self._next} to {last} are"
            self.problems.append(Problem(number=self._next, message=f"{missing} missing"))
        elif number < self._next:
            self.problems.append(Problem(number=number, message="it stands at another place than its number says"))
        if not _follows(self._previous, event, kept):
            self.problems.append(
                Problem(number=number, message="its hash does not cover what it says and what precedes it")
            )
        self._next, self._previous = number + 1, kept
        self._hashes[number] = kept
        self._listen(number, event)

    def _listen(self, number: int, event: Mapping[str, object]) -> None:
        details = event.get("details")
        if not isinstance(details, Mapping):
            return
        if event.get("kind") == HEAD:
            self._judge_head(number, details)
        elif event.get("kind") == HAND_OVER:
            self._judge_hand_over(number, details)

    def _judge_head(self, number: int, saying: Mapping[str, object]) -> None:
        """A head of a key that is not trusted says nothing; one that a trusted key signed must hold."""
        said = content_of(saying, HEAD_TYPE)
        if not any(key.fingerprint == saying.get("key") for key in self._keys):
            self.strange_heads += 1
            return
        covered = said.get("number")
        # A head is recorded after what it covers: one that stands before it was moved there.
        later = not isinstance(covered, int) or covered >= number
        expected = self._hashes.get(covered) if isinstance(covered, int) else None
        if not said_by(saying, self.judge):
            self.problems.append(
                Problem(number=number, message="the signature of this head is not of the key it names")
            )
        elif said.get("project") != self._project or later or (expected is not None and said.get("hash") != expected):
            words = f"the head that was signed here is of another record: events to {covered} were made anew"
            self.problems.append(Problem(number=number, message=words))
        else:
            self.heads += 1

    def _judge_hand_over(self, number: int, saying: Mapping[str, object]) -> None:
        """From a trusted key to another, which is trusted from then on."""
        said = content_of(saying, HAND_OVER_TYPE)
        if not any(key.fingerprint == saying.get("key") for key in self._keys):
            return
        if not said_by(saying, self.judge) or said.get("project") != self._project:
            self.problems.append(Problem(number=number, message="this key was not handed over by the one it names"))
            return
        name = f"the key that event {number} hands over to"
        further = TrustedKey(name=name, pem=str(said.get("pem")))
        self._keys = (*self._keys, replace(further, name=f"{name} ({further.fingerprint[:19]})"))
        self.judge = self._judges(self._keys)


def _follows(previous: str, event: Mapping[str, object], kept: str) -> bool:
    """Whether that hash is the event's; what cannot be written, such as half of a letter, has none."""
    try:
        return link(previous, canonical(event)) == kept
    except ValueError:
        return False
