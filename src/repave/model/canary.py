"""Canary: how far a release has come that takes over step by step."""

from dataclasses import dataclass
from datetime import datetime

from repave.model.names import SlotId


@dataclass(frozen=True, kw_only=True)
class CanaryStage:
    """Where the wanted revision stands on its way through the steps of the policy."""

    step: int = 0
    """Which step, from 0; beyond the last it takes over the rest batch by batch."""

    since: datetime | None = None
    """Since when as many new ones serve as the step wants; None while they do not."""

    approved: int = 0
    """The steps before this one need no person's word any more."""

    said: str = ""
    """What the last decision stood on, for people."""

    baseline: tuple[SlotId, ...] = ()
    """Started beside it, of the old release, to be compared with; a slot that came to nothing stays among them."""
