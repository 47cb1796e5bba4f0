"""What people do in the middle of everything."""

from collections.abc import Callable

from repave.simulation.chaos.behaviours import BAD, GOOD
from repave.simulation.chaos.trouble import Trouble

MOST_RESIZED = 0.2
"""Up to so great a share more or less, of the size that the fleet began with."""


def bad_release(trouble: Trouble) -> None:
    """Of any bad kind."""
    kind = trouble.stage.world.chance.choice(BAD)
    trouble.deploy(kind)
    trouble.tell("bad-release", f"r{trouble.releases} is deployed: {kind}")


def deploy(trouble: Trouble) -> None:
    """Of any good kind."""
    kind = trouble.stage.world.chance.choice(GOOD)
    trouble.deploy(kind)
    trouble.tell("deploy", f"r{trouble.releases} is deployed: {kind}")


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
