"""Checks of an environment, run on the release that it carries; what came of each is kept."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from repave.model.checks import Check, HttpCheck, ProgramCheck
from repave.model.errors import RepaveError
from repave.model.evidence import Checked, Evidence
from repave.model.names import Digest, FleetName
from repave.model.pipeline import Stage
from repave.model.project import Environment, Project
from repave.model.release import Release, SecretReference
from repave.operations.errors import Refused
from repave.operations.keys import fleets_of
from repave.operations.promoting.check_files import CheckFiles
from repave.operations.promoting.keeping import keep
from repave.operations.promoting.standings import standing_of
from repave.planner.pipeline.checks import due
from repave.ports.checks import Asking, CheckLogs, CheckOrder, CheckOutcome, Checks, Endpoint
from repave.ports.clock import Clock
from repave.ports.errors import WorldError
from repave.ports.progress import Progress
from repave.ports.secrets import Secrets
from repave.ports.store import Store

LINES_TOLD, CHARACTERS_TOLD = 3, 300
"""Of the end of its output, with the reason for which a check failed."""

KEPT_BYTES = 64 * 1024
"""Of its output, the end."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where checks are run, and where their output goes."""

    machines: Callable[[Environment], object]
    """The environment's provider, which can run programs where it implements ``Checks``."""

    publish: Callable[[Environment, Release, Progress], None]
    """Makes the release startable there, if it may be started. Raises RepaveError."""

    asking: Callable[[], Asking]
    logs: CheckLogs
    secrets: Secrets


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """One check, about to be run."""

    environment: Environment
    release: Release
    check: Check
    what: Digest


class Checking:
    """The checks of one project."""

    def __init__(self, *, project: Project, store: Store, clock: Clock, files: CheckFiles, bench: Bench) -> None:
        self._project = project
        self._store = store
        self._clock = clock
        self._files = files
        self._bench = bench

    def verify(
        self, environment: Environment, progress: Progress, *, again: bool = False, already: Iterable[Checked] = ()
    ) -> tuple[Checked, ...]:
        """Run each check whose last run does not count, or all ``again``, and keep what comes of them.

        What was run on the release ``already`` is not run once more.

        None is run while the environment is not well: they would tell of something else. Raises Refused where a file
        of one cannot be read.
        """
        now, checks = self._clock.now(), environment.gates.checks
        standing = standing_of(self._project, environment.name, self._store, now)
        if not checks or standing.release is None or standing.well_since is None:
            return ()
        release = self._store.release(standing.release)
        digests = {(environment.name, check.name): self._files.digest(check) for check in checks}
        stage = Stage(environment=environment.name, gates=environment.gates)
        known = Evidence(standings={environment.name: standing}, records=self._store.evidence(), checks=digests)
        wanted = due(stage, release, known, now)
        done = {(one.environment, one.release, one.check) for one in already}
        trials = [
            _Trial(environment=environment, release=release, check=check, what=digests[environment.name, check.name])
            for check in checks
            if (again or check.name in wanted) and (environment.name, release.number, check.name) not in done
        ]
        kept = []
        with progress.task(f"Checking {release} in {environment.name}", total=len(trials)) as task:
            for trial in trials:
                task.note(trial.check.name)
                kept.append(self._tried(trial, progress))
                task.advance()
        return tuple(kept)

    def log(self, environment: Environment, named: str) -> tuple[Checked, str]:
        """The last run of a check, and its output. Raises Refused for one that was never run, Gone."""
        runs = {
            one.check: one
            for one in self._store.evidence()
            if isinstance(one, Checked) and one.environment == environment.name
        }
        meant = [named] if named in runs else [name for name in runs if name.endswith(f"/{named.lstrip('/')}")]
        if not meant:
            declared = ", ".join(check.name for check in environment.gates.checks) or "none"
            raise Refused(
                f"no check `{named}` has been run in {environment.name}",
                hint=f"declared there: {declared}; `repave promote` runs them",
            )
        if len(meant) > 1:
            raise Refused(
                f"several checks in {environment.name} end with `{named}`",
                hint=f"name one whole: {', '.join(sorted(meant))}",
            )
        run = runs[meant[0]]
        return run, self._bench.logs.read(run.log)

    def _tried(self, trial: _Trial, progress: Progress) -> Checked:
        began = self._clock.now()
        outcome = self._outcome(trial, progress)
        if outcome.passed and not self._stayed(trial, began):
            outcome = replace(outcome, passed=False, detail=f"{trial.environment.name} changed while it ran")
        told = self._without_secrets(trial.environment, outcome)
        detail, output = told.detail, _last(told.output)
        end = "" if outcome.passed else _end_of(output)
        checked = Checked(
            environment=trial.environment.name,
            release=trial.release.number,
            check=trial.check.name,
            what=trial.what,
            passed=outcome.passed,
            detail=f"{detail}; at its end: {end}" if end else detail,
            log=self._bench.logs.keep(f"{detail}\n{output}"),
            at=began,
        )
        keep(self._store, checked)
        return checked

    def _stayed(self, trial: _Trial, began: datetime) -> bool:
        """Whether the environment has carried the release well all the time since: a check can tell of nothing else."""
        standing = standing_of(self._project, trial.environment.name, self._store, self._clock.now())
        since = standing.well_since
        return standing.release == trial.release.number and since is not None and since <= began

    def _outcome(self, trial: _Trial, progress: Progress) -> CheckOutcome:
        try:
            endpoints = dict(self._endpoints(trial.environment))
            if isinstance(trial.check, HttpCheck):
                return self._bench.asking().ask(trial.check, endpoints[trial.check.fleet])
            return self._run(trial, trial.check, endpoints, progress)
        except RepaveError as error:
            return CheckOutcome(passed=False, detail=f"it could not be run: {error.message}", output=error.hint)

    def _run(
        self, trial: _Trial, check: ProgramCheck, endpoints: Mapping[FleetName, Endpoint], progress: Progress
    ) -> CheckOutcome:
        environment, release = trial.environment, trial.release
        machines = self._bench.machines(environment)
        if not isinstance(machines, Checks):
            raise Refused(f"{environment.provider} runs no programs", hint="ask by `http`")
        artifact = release.artifacts.get(check.image)
        if artifact is None:
            raise Refused(f"{release} holds no artifact of image {check.image}", hint="`repave bake` makes one")
        self._bench.publish(environment, release, progress)
        order = CheckOrder(
            environment=environment.name,
            release=release.number,
            artifact=self._store.artifact(artifact),
            program=check.run,
            files=self._files.of(check),
            variables=_variables(trial, check, endpoints),
            endpoints=tuple(endpoints.values()),
            timeout_seconds=check.timeout_seconds,
        )
        return machines.run_check(order, progress=progress)

    def _endpoints(self, environment: Environment) -> Iterator[tuple[FleetName, Endpoint]]:
        """Where each fleet's balancer was seen to answer; workers answer nobody."""
        for key in fleets_of(self._project, environment):
            if self._project.fleets[key.fleet].port is None:
                continue
            seen = self._store.last_seen(key)
            split = urlsplit(seen.traffic.endpoint if seen else "")
            if split.hostname is None:
                raise Refused(f"nobody knows where {key} is reached", hint=f"`repave status {environment.name}`")
            http = self._project.fleets[key.fleet].speaks_http
            yield key.fleet, Endpoint(host=split.hostname, port=split.port or 80, http=http)

    def _without_secrets(self, environment: Environment, outcome: CheckOutcome) -> CheckOutcome:
        """What a fleet is told in confidence is in no log, even where it says it itself: unread, nothing is said."""
        references = (one for one in environment.configuration.values() if isinstance(one, SecretReference))
        try:
            secrets = [self._bench.secrets.resolve(reference) for reference in references]
        except WorldError as error:
            return replace(outcome, detail=f"what it said is not kept: {error.message}", output=error.hint)
        detail, output = outcome.detail, outcome.output
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            detail, output = detail.replace(secret, "***"), output.replace(secret, "***")
        return replace(outcome, detail=detail, output=output)


def _variables(trial: _Trial, check: ProgramCheck, endpoints: Mapping[FleetName, Endpoint]) -> dict[str, str]:
    told = {"REPAVE_ENVIRONMENT": str(trial.environment.name), "REPAVE_RELEASE": str(trial.release)}
    for fleet, endpoint in endpoints.items():
        suffix = fleet.upper().replace("-", "_")
        told |= {f"REPAVE_{what}_{suffix}": value for what, value in _named(endpoint).items()}
    if check.fleet is not None:
        chosen = endpoints[check.fleet]
        told |= {f"REPAVE_{what}": value for what, value in _named(chosen).items()}
    return told


def _named(endpoint: Endpoint) -> dict[str, str]:
    return {"ADDRESS": endpoint.address, **({"URL": endpoint.url} if endpoint.http else {})}


def _last(output: str) -> str:
    content = output.encode(errors="replace")
    return output if len(content) <= KEPT_BYTES else content[-KEPT_BYTES:].decode(errors="ignore")


def _end_of(output: str) -> str:
    """Its last lines as one, without what would move a cursor."""
    lines = [line.strip() for line in output.splitlines() if line.strip()][-LINES_TOLD:]
    return "".join(letter for letter in " / ".join(lines) if letter.isprintable())[-CHARACTERS_TOLD:]
