"""The pipeline's decisions, made and checked over all that is known."""

from collections.abc import Container
from dataclasses import replace
from datetime import datetime

from repave.model.evidence import Request, Standing
from repave.model.names import EnvironmentName
from repave.model.pipeline import Enter, Held, PipelinePlan
from repave.model.project import Project
from repave.model.release import Release
from repave.operations.promoting.gathering import Gathering
from repave.operations.promoting.stages import pipeline_of
from repave.planner.pipeline.checking import check
from repave.planner.pipeline.planning import judged, plan
from repave.ports.progress import Progress
from repave.ports.store import Store


class Deciding:
    """Of the pipeline of one project; what is decided is kept by others."""

    def __init__(self, *, project: Project, store: Store, gathering: Gathering) -> None:
        self._pipeline = pipeline_of(project)
        self._store = store
        self._gathering = gathering

    def plan(self, now: datetime, progress: Progress, *, without: Container[EnvironmentName]) -> PipelinePlan:
        """Who may enter now, and what holds the others, as if the pipeline had none of the environments ``without``."""
        evidence, releases = self._gathering.evidence(now, progress), self._store.releases()
        pipeline = tuple(stage for stage in self._pipeline if stage.environment not in without)
        made = plan(pipeline, releases, evidence, now)
        check(made, pipeline, releases, evidence, now)
        return made

    def held(
        self, where: EnvironmentName, release: Release, asked: Request | None, now: datetime, progress: Progress
    ) -> Held | None:
        """What holds the release before it, also once a person has asked for it; None when it may enter."""
        evidence = self._gathering.evidence(now, progress)
        said = replace(evidence, records=(*evidence.records, asked)) if asked else evidence
        held = judged(self._pipeline, where, release, said, now)
        present = evidence.standings.get(where, Standing()).release or 0
        if held is None and release.number > present:
            enter = Enter(environment=where, release=release.number, skipped=())
            check(PipelinePlan(at=now, entering=(enter,)), self._pipeline, (release,), said, now)
        return held
