"""What people do in the middle of everything."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from repave.model.exposure import Flaw
from repave.model.finding import Severity
from repave.model.names import RevisionId
from repave.model.target import ZoneOut
from repave.model.wishes import Protection, Replacement
from repave.simulation.chaos.behaviours import BAD, GOOD, WORSE
from repave.simulation.chaos.trouble import Trouble

MOST_RESIZED = 0.2
"""Up to so great a share more or less, of the size that the fleet began with."""

LONGEST_PROTECTED_SECONDS = 3600.0

FLAW_REPAIRED_AFTER = timedelta(hours=12)
"""So long after a flaw was published a release without it is wanted."""


def bad_release(trouble: Trouble) -> None:
    """Of any bad kind."""
    kind = trouble.stage.world.chance.choice(BAD)
    trouble.deploy(kind)
    trouble.tell("bad-release", f"r{trouble.releases} is deployed: {kind}")


def worse_release(trouble: Trouble) -> None:
    """Of either kind."""
    kind = trouble.stage.world.chance.choice(WORSE)
    trouble.deploy(kind)
    trouble.tell("worse-release", f"r{trouble.releases} is deployed: {kind}")


def deploy(trouble: Trouble) -> None:
    """Of any good kind."""
    kind = trouble.stage.world.chance.choice(GOOD)
    trouble.deploy(kind)
    trouble.tell("deploy", f"r{trouble.releases} is deployed: {kind}")


def publish_flaw(trouble: Trouble, number: int, severities: Sequence[Severity]) -> None:
    """One of what is wanted now, of any of these severities; scans find it at once."""
    stage = trouble.stage
    stage.world.stir()
    artifact = stage.store.revision(stage.fleet, stage.target.revision).artifact
    now = stage.world.clock.now()
    severity = stage.world.chance.choice(severities)
    flaw = Flaw(advisory=f"flaw {number}", severity=severity, published_at=now)
    stage.store.expose(artifact, [flaw], whole=False)
    trouble.tell("flaw", f"flaw {number} is published: {severity}, in r{stage.target.release}")


def repair(trouble: Trouble, number: int) -> None:
    """By a release that works."""
    trouble.deploy("well")
    trouble.tell("deploy", f"r{trouble.releases} is deployed: it is without flaw {number}")


def pass_checkpoint(trouble: Trouble, revision: RevisionId, step: int) -> None:
    """Let the canary of a revision go on from this step, if it is there still."""
    stage = trouble.stage
    target = stage.target
    if (target.revision, target.canary.step) == (revision, step):
        stage.world.stir()
        stage.store.pass_checkpoint(stage.fleet)
        trouble.tell("checkpoint", f"a person lets r{target.release} go on from step {step + 1}")


def pause(trouble: Trouble) -> Callable[[], None]:
    """For a while."""
    stage = trouble.stage

    def paused(*, now: bool) -> None:
        stage.world.stir()
        stage.store.pause(stage.fleet, stage.world.clock.now(), paused=now)

    paused(now=True)
    return lambda: paused(now=False)


def revoke(trouble: Trouble) -> Callable[[], None]:
    """The wanted release, until it turns out to have been a false alarm."""
    stage = trouble.stage
    stage.world.stir()
    revocation = stage.revoke(stage.target.release)

    def undo() -> None:
        stage.world.stir()
        now = stage.world.clock.now()
        stage.store.undo_revocation(revocation.number, reason="a false alarm", at=now)

    return undo


def rollback(trouble: Trouble) -> None:
    """To any release that was ever deployed and carried the fleet."""
    stage = trouble.stage
    earlier = [proof for proof in stage.target.proven if proof.release != stage.target.release]
    if earlier:
        back = stage.world.chance.choice(earlier)
        stage.world.stir()
        stage.want(back.release, stage.target.size)
        trouble.tell("rollback", f"a person goes back to r{back.release}")


def resize(trouble: Trouble) -> None:
    """By up to a fifth."""
    stage = trouble.stage
    most = max(1, round(stage.size * MOST_RESIZED))
    size = max(1, stage.size + stage.world.chance.randint(-most, most))
    stage.world.stir()
    stage.want(stage.target.release, size)
    trouble.tell("resize", f"{size} are wanted")


def zone_out(trouble: Trouble) -> Callable[[], None] | None:
    """One of the zones; the last one stays."""
    stage = trouble.stage
    used = [zone for zone in stage.policy.zones if zone not in {out.zone for out in stage.target.zones_out}]
    if len(used) == 1:
        return None
    zone = stage.world.chance.choice(used)
    stage.world.stir()
    stage.store.take_out(stage.fleet, ZoneOut(zone=zone, since=stage.world.clock.now(), reason="power works"))
    trouble.tell("zone-out", f"a person takes zone {zone} out")

    def back() -> None:
        stage.world.stir()
        stage.store.bring_back(stage.fleet, zone)

    return back


def allow_healing(trouble: Trouble) -> None:
    """Whatever the limit."""
    stage = trouble.stage
    stage.world.stir()
    stage.store.allow_healing(stage.fleet, stage.world.clock.now())


def protect(trouble: Trouble) -> None:
    """One of those that live, for up to an hour: it ends by itself."""
    stage = trouble.stage
    living = stage.world.living(stage.fleet)
    if living:
        chosen, now = stage.world.chance.choice(living), stage.world.clock.now()
        until = now + timedelta(seconds=stage.world.chance.uniform(60.0, LONGEST_PROTECTED_SECONDS))
        stage.world.stir()
        stage.store.protect(stage.fleet, Protection(slot=chosen.slot, since=now, until=until, reason="being looked at"))
        trouble.tell("protect", f"a person protects {chosen.slot} until {until:%H:%M:%S}")


def replace_one(trouble: Trouble) -> None:
    """One of those that live."""
    stage = trouble.stage
    living = stage.world.living(stage.fleet)
    if living:
        chosen = stage.world.chance.choice(living)
        stage.world.stir()
        stage.store.ask_replacement(stage.fleet, Replacement(slot=chosen.slot, since=stage.world.clock.now()))
        trouble.tell("replace", f"a person has {chosen.slot} replaced")
