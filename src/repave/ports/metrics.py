"""What we ask of whoever measures instances: a provider, a load balancer, a monitoring system.

The numbered rules hold for every adapter; one suite checks them.

1. Reading changes nothing that is measured, may be done at any time, by several processes and threads at once.
2. What is not known is None, or not listed; it is never zero. A rate needs two looks: the first one knows none.
3. Only instances of the fleet are listed, each once; what is gone is not.
4. Nothing speaks of a longer time than the window asked for, nor of a time before the instance was there.
5. What is measured is possible: no negative rate, no share of errors above 1.
6. An answer takes a few seconds at most. Errors are those of ``repave.ports.errors`` and no others.
"""

from typing import Protocol, runtime_checkable

from repave.model.metrics import MetricSighting
from repave.model.names import FleetKey


@runtime_checkable
class Metrics(Protocol):
    """The ability to measure the instances of a fleet."""

    def read(self, fleet: FleetKey, *, window_seconds: float, reader: str = "") -> MetricSighting:
        """What was measured over the last so many seconds, as far as this source measures it. Rules 1 to 6.

        A source that looks at counters needs two looks of one ``reader``: who asks for a longer time than others do
        takes a name of their own, lest looks of theirs be forgotten as too old.

        Nobody of the fleet being there is an empty list. Raises Unreachable, Denied, Throttled, Corrupt.
        """
        ...
