"""The record as it is kept: how far it goes is signed, and keys hand over to each other."""

from collections.abc import Callable
from dataclasses import dataclass

from repave.model.event import Event
from repave.model.names import ProjectName
from repave.operations.errors import Refused
from repave.operations.recording.sayings import HAND_OVER, HEAD, hand_over, head, signed
from repave.ports.clock import Clock
from repave.ports.history import History
from repave.ports.signatures import Judges, Signer, TrustedKey


@dataclass(frozen=True, kw_only=True)
class RecordKeys:
    """Who signs the record of a project, and whose signatures count."""

    signer: Callable[[], Signer | None]
    """Opens the declared key, when it is needed; None where none is declared."""

    trusted: tuple[TrustedKey, ...]
    judges: Judges

    def declared(self) -> Signer:
        """The project's key. Raises Refused where none is declared."""
        found = self.signer()
        if found is None:
            raise Refused(
                "repave.yaml names no key that signs, and a record without a signed head proves little",
                hint="name one under `signing.key`; `repave keys` shows it",
            )
        return found


class Keeping:
    """Signs the record of one project."""

    def __init__(self, *, project: ProjectName, history: History, clock: Clock, keys: RecordKeys) -> None:
        self._project = project
        self._history = history
        self._clock = clock
        self._keys = keys

    def sign_head(self) -> int | None:
        """Sign how far the record goes, as an event; the number that is covered.

        None when no key is declared, or nothing is recorded. Raises what the signer raises.
        """
        signer = self._keys.signer()
        newest = self._history.recorded(after=self._history.newest_event() - 1, limit=1)
        if signer is None or not newest:
            return None
        (last,) = newest
        now = self._clock.now()
        said = head(project=self._project, at=now, number=last.event.sequence, hash_=last.hash)
        self._history.record([Event(at=now, kind=HEAD, details=signed(said, signer))])
        return last.event.sequence

    def rotate(self, to: TrustedKey) -> None:
        """Let the declared key say that another signs from now on. Raises Refused, and what the signer raises."""
        signer = self._keys.declared()
        if TrustedKey(name="", pem=signer.public).fingerprint == to.fingerprint:
            raise Refused(f"{to.name} is the key that signs already", hint="name the public half of the new key")
        now = self._clock.now()
        details = signed(hand_over(project=self._project, at=now, to=to), signer)
        message = f"the record is signed by the key {to.fingerprint} from now on"
        self._history.record([Event(at=now, kind=HAND_OVER, message=message, details=details)])
