"""How the size moves: within its range, never down in unquiet times, and never by what was not measured."""

from collections.abc import Iterator
from datetime import timedelta

from repave.model.disruption import Drawer
from repave.model.scaling import ScalePolicy
from repave.model.target import FailureKind
from repave.planner.check.turns import kept_meanwhile
from repave.planner.check.view import View

ZONE_OUT = timedelta(seconds=30)
"""A zone that had no room, or was lost, within this time is out, whatever else is thought of it."""


def sizes(view: View) -> Iterator[str]:
    """A size follows its policy, and only when it may."""
    resize, policy, size = view.plan.resize, view.policy.scale, view.target.size
    if resize is None:
        return
    change = f"the size would become {resize.size} instead of {size}"
    if policy is None:
        yield f"{change}, and nothing is declared that moves it"
        return
    if not policy.lowest <= resize.size <= policy.highest:
        yield f"{change}, and {policy.lowest}..{policy.highest} is the range"
    if resize.size == size:
        yield f"{change}, which is no change"
    if not size:
        yield f"{change}, and a person wanted nobody"
    if view.target.paused or view.partial:
        yield f"{change}, and the fleet is paused or not wholly seen"
    stopped = view.target.stopped or view.plan.stop or view.plan.retarget
    launched = kept_meanwhile(view) or view.target.revision
    useless = launched in {
        *(revoked.revision for revoked in view.target.revoked),
        *(proof.revision for proof in view.target.proven if not proof.bootable),
    }
    if resize.size > size and (stopped or useless):
        yield f"{change}, and nothing of the wanted revision may be launched"
    if resize.size < size:
        yield from (f"{change}, and {why}" for why in _unquiet(view))
    if policy.targets and policy.lowest <= size <= policy.highest and resize.size < size:
        yield from (f"{change}, and {why}" for why in _too_fast(view, policy, size - resize.size))
    if policy.lowest <= size <= policy.highest and not policy.schedule:
        yield from (f"{change}, and {why}" for why in _groundless(view, policy))


def _unquiet(view: View) -> Iterator[str]:
    if any(seen.revision != view.target.revision for seen in view.instances.values()):
        yield "an old revision is still there"
    if all(proof.revision != view.target.revision for proof in view.target.proven):
        yield "the wanted revision has yet to prove itself"
    if len(view.serving) < view.target.size:
        yield f"only {len(view.serving)} serve"
    gone = (FailureKind.NO_CAPACITY, FailureKind.ZONE_LOST)
    if any(f.kind in gone and timedelta(0) <= view.now - f.at < ZONE_OUT for f in view.target.failures):
        yield "a zone is out"


def _too_fast(view: View, policy: ScalePolicy, fewer: int) -> Iterator[str]:
    """What metrics take away keeps to the hour, counted by what has left."""
    drawn = (entry.at for entry in view.target.disruptions if entry.drawer is Drawer.SCALE_IN)
    taken = [at for at in drawn if timedelta(0) <= view.now - at < timedelta(hours=1)]
    most = max(1, policy.in_per_hour.of(view.target.size + len(taken)))
    if len(taken) + fewer > most:
        yield f"{len(taken) + fewer} fewer would be there within an hour, and {most} may be"


def _groundless(view: View, policy: ScalePolicy) -> Iterator[str]:
    """Within the range, and without a clock, only metrics move a size, and not twice in a short time."""
    names = {target.metric for target in policy.targets}
    measured = any(one.value(name) is not None for one in view.metrics.instances for name in names)
    if not measured and not names & {name for name, _ in view.metrics.named}:
        yield "nothing was measured that it follows"
    changed = view.target.size_history.resized_at
    if changed and timedelta(0) <= view.now - changed < timedelta(seconds=policy.cool_down_seconds):
        yield f"it was changed at {changed}"
