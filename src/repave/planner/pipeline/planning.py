"""The decision: of each environment the newest release that every gate lets in."""

from collections.abc import Sequence
from datetime import datetime

from repave.model.evidence import Evidence, Standing
from repave.model.names import EnvironmentName
from repave.model.pipeline import Enter, Held, Pipeline, PipelinePlan, Stage
from repave.model.release import Release
from repave.planner.pipeline.case import Case
from repave.planner.pipeline.gates import held_by


def plan(pipeline: Pipeline, releases: Sequence[Release], evidence: Evidence, now: datetime) -> PipelinePlan:
    """Which release may enter which environment now; the order of the releases does not matter.

    On their way into an environment are those newer than what is wanted there, that the environment before wants or
    once carried; into the first, all that are newer.
    """
    entering: list[Enter] = []
    held: list[Held] = []
    for index, stage in enumerate(pipeline):
        before = pipeline[index - 1] if index else None
        waiting = _on_their_way(stage, before, releases, evidence)
        for position, release in enumerate(waiting):
            case = Case(stage=stage, before=before, release=release, evidence=evidence, now=now)
            holds = held_by(case)
            if holds is None:
                skipped = tuple(sorted(older.number for older in waiting[position + 1 :]))
                enter = Enter(
                    environment=stage.environment, release=release.number, skipped=skipped, emergency=case.emergency
                )
                entering.append(enter)
                break
            held.append(holds)
    return PipelinePlan(at=now, entering=tuple(entering), held=tuple(held))


def judged(
    pipeline: Pipeline, environment: EnvironmentName, release: Release, evidence: Evidence, now: datetime
) -> Held | None:
    """What holds one release before one environment, whatever else is on its way; None when it may enter."""
    index = next(index for index, stage in enumerate(pipeline) if stage.environment == environment)
    before = pipeline[index - 1] if index else None
    return held_by(Case(stage=pipeline[index], before=before, release=release, evidence=evidence, now=now))


def _on_their_way(
    stage: Stage, before: Stage | None, releases: Sequence[Release], evidence: Evidence
) -> tuple[Release, ...]:
    """Newest first."""
    present = evidence.standings.get(stage.environment, Standing()).release or 0
    newer = [release for release in releases if release.number > present]
    if before is not None:
        standing = evidence.standings.get(before.environment, Standing())
        reached = {*standing.proven, standing.release}
        newer = [release for release in newer if release.number in reached]
    return tuple(sorted(newer, key=lambda release: release.number, reverse=True))
