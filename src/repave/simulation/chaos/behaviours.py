"""How a release may turn out."""

from collections.abc import Mapping

from repave.model.names import ZoneName
from repave.simulation.machines import Behaviour

BEHAVIOURS: Mapping[str, Behaviour] = {
    "well": Behaviour(),
    "slow": Behaviour(start_seconds=4.0, healthy_after_seconds=8.0),
    "dead at once": Behaviour(dies_after_seconds=0.0),
    "dead before it is healthy": Behaviour(healthy_after_seconds=6.0, dies_after_seconds=3.0),
    "dead after a while": Behaviour(dies_after_seconds=9.0),
    "dead after minutes": Behaviour(dies_after_seconds=240.0),
    "ill after a while": Behaviour(ill_after_seconds=8.0),
    "never healthy": Behaviour(never_healthy=True),
    "errors": Behaviour(error_share=0.1),
    "slow answers": Behaviour(latency_seconds=0.2),
    "dead in zone b": Behaviour(dies_after_seconds=5.0, only_in=ZoneName("b")),
}

GOOD = ("well", "slow")

WORSE = ("errors", "slow answers")
"""Healthy by every check; only a comparison of answers finds them."""

BAD = tuple(name for name in BEHAVIOURS if name not in (*GOOD, *WORSE))
