"""`repave.yaml` to the model: the one way in."""

from collections.abc import Collection
from pathlib import Path

from repave.config.checks import checks_in
from repave.config.errors import FileError
from repave.config.grammar.advisories import AdvisoriesSection, PublishedSection, SourceSection
from repave.config.grammar.environments import EnvironmentSection, FleetSizeSection, SecretSection
from repave.config.grammar.file import File
from repave.config.grammar.fleets import HTTP, FleetSection
from repave.config.grammar.gates import MetricsSection
from repave.config.grammar.guards import GuardsSection
from repave.config.grammar.images import BaseImageSection, BaseSection, BuildLimitsSection, ImageSection
from repave.config.grammar.origins import OriginSection
from repave.config.grammar.policy import FreshnessSection, OwnPolicySection
from repave.config.grammar.scaling import ScaleSection
from repave.config.grammar.sources import GitSection
from repave.config.positions import LARGEST_TEXT, read_document
from repave.config.reading import read_text
from repave.config.references import check_providers, check_references
from repave.config.reviews import review_settings
from repave.config.structure import check_structure
from repave.config.targets import node_application
from repave.config.unsupported import unsupported
from repave.model.advisories import AdvisorySettings, AdvisorySource, Published, SourceKind
from repave.model.exposure import FixWithin
from repave.model.freshness import Freshness, FreshnessPolicy
from repave.model.gates import Gates, MetricLimits, Person
from repave.model.guards import Action, Allowed, Guards
from repave.model.names import EnvironmentName, FleetName, ImageName, PersonName, ProjectName, ProviderName, ZoneName
from repave.model.origins import Credentials, Origin, Origins
from repave.model.policy import AgePolicy, BudgetPolicy, HealingPolicy, HealthPolicy, RolloutPolicy
from repave.model.project import Environment, Fleet, FleetSize, Project, Start
from repave.model.recipe import (
    Base,
    Boot,
    BuildLimits,
    FileMapping,
    GitSource,
    Image,
    ImageKind,
    NodeApplication,
    RemoteFile,
)
from repave.model.release import Limits
from repave.model.scaling import MetricTarget, Scale, ScheduledSize
from repave.model.signing import SigningSettings

FILENAME = "repave.yaml"

ROLLING_RELEASES = frozenset({"sid"})
"""Repairs go straight into these: they have no security suite."""

DEFAULT_ZONE = "local"
"""An environment that declares no zones has this one."""


def load_project(path: Path) -> Project:
    """The project declared in the file at ``path``, or in ``repave.yaml`` of the folder at ``path``.

    Raises FileError with all that is wrong, also when there is no such file or it is no UTF-8 text.
    """
    file = path / FILENAME if path.is_dir() else path
    return parse_project(
        read_text(file, largest_bytes=4 * LARGEST_TEXT, hint="`repave init` writes a starter file"), filename=file.name
    )


GRACE_SECONDS = 60.0
"""A container starts in a second; the rest is for its application."""

MACHINE_GRACE_SECONDS = 300.0
"""A kernel and systemd start before the application: in half a minute, and in one or two where they are emulated."""


def parse_project(text: str, *, filename: str, providers: Collection[str] | None = None) -> Project:
    """The project declared in ``text``; FileError names everything that is wrong, by its place in ``filename``.

    ``providers`` are those that are installed; without them, an environment may name any.
    """
    document = read_document(text, filename=filename)
    file, wrong = check_structure(document)
    missing = () if providers is None else check_providers(document, providers)
    problems = (*document.problems, *wrong, *check_references(document), *missing, *unsupported(document))
    if file is None or problems:
        raise FileError(problems)
    return _project(file)


def _project(file: File) -> Project:
    environments = {name: _environment(name, section, file) for name, section in file.environments.items()}
    return Project(
        name=ProjectName(file.project),
        images={ImageName(name): _image(name, section) for name, section in file.images.items()},
        fleets={
            FleetName(name): _fleet(name, section, ImageKind(file.images[section.image].kind))
            for name, section in file.fleets.items()
        },
        environments={environment.name: environment for environment in environments.values()},
        pipeline=tuple(EnvironmentName(name) for name in file.pipeline or environments),
        people=tuple(
            Person(name=PersonName(name), keys=tuple(section.keys), emails=tuple(section.emails))
            for name, section in file.people.items()
        ),
        age=AgePolicy(soft_seconds=file.policy.max_age, hard_seconds=file.policy.hard_max_age),
        fix_within=FixWithin(
            critical_seconds=file.policy.fix_within.critical, high_seconds=file.policy.fix_within.high
        ),
        freshness=_watched(file.policy.freshness),
        review=review_settings(file.review) if file.review else None,
        advisories=_advisories(file.advisories),
        origins=Origins(declared=tuple(_origin(address, section) for address, section in file.origins.items())),
        shared_vaults=tuple(dict.fromkeys(file.vault.shared)),
        signing=SigningSettings(
            key=file.signing.key, passphrase=file.signing.passphrase, verify=tuple(dict.fromkeys(file.signing.verify))
        ),
    )


def _origin(address: str, section: OriginSection) -> Origin:
    known = section.credentials
    return Origin(
        address=address,
        mirrors=tuple(section.mirrors),
        credentials=Credentials(username=known.username, password=known.password.secret) if known else None,
        insecure=section.insecure,
    )


def _advisories(section: AdvisoriesSection) -> AdvisorySettings:
    sources = dict.fromkeys(map(_advisory_source, section.sources))
    return AdvisorySettings(
        sources=tuple(sources),
        kev=_published(section.kev),
        epss=_published(section.epss),
        vex=tuple(dict.fromkeys(section.vex)),
        max_age_seconds=section.max_age,
    )


def _published(section: PublishedSection) -> Published | None:
    return Published(file=section.file, url=section.url) if section.model_fields_set else None


def _advisory_source(section: SourceSection) -> AdvisorySource:
    osv, tracker = section.osv, section.debian_tracker
    kinds = {
        SourceKind.OSV_FOLDER: osv.folder,
        SourceKind.OSV_ZIP: osv.zip,
        SourceKind.OSV_ZIP_URL: osv.url,
        SourceKind.OSV_API: osv.api,
        SourceKind.DEBIAN_TRACKER_FILE: tracker.file,
        SourceKind.DEBIAN_TRACKER_URL: tracker.url,
    }
    return next(AdvisorySource(kind=kind, place=place) for kind, place in kinds.items() if place)


def _image(name: str, section: ImageSection) -> Image:
    return Image(
        name=ImageName(name),
        kind=ImageKind(section.kind),
        base=_base(section.base),
        boot=Boot(section.boot) if "boot" in section.model_fields_set else None,
        disk_bytes=section.disk if section.kind == ImageKind.VM else 0,
        packages=tuple(section.packages),
        python=tuple(section.python),
        node=_node(section),
        fetch=tuple(
            RemoteFile(url=file.url, into=file.into, sha256=file.sha256, mode=file.mode, unpack=file.unpack)
            for file in section.fetch
        ),
        git=tuple(_git(source) for source in section.git),
        files=tuple(FileMapping(source=source, target=target) for source, target in section.files.items()),
        build=tuple(section.build),
        build_limits=_build_limits(section.build_limits),
        run=section.run,
        user=section.user,
        units=tuple(section.units),
        data=tuple(section.data),
        ephemeral=section.ephemeral,
        guards=_guards(section.guards),
    )


def _build_limits(section: BuildLimitsSection) -> BuildLimits:
    return BuildLimits(
        time_seconds=section.time,
        memory_bytes=section.memory,
        processes=section.processes,
        output_bytes=section.output,
    )


def _guards(section: GuardsSection) -> Guards:
    return Guards(
        secrets=Action(section.secrets),
        setuid=Action(section.setuid),
        writable=Action(section.writable),
        unpinned=Action(section.unpinned),
        allow=tuple(Allowed(path=each.path, reason=each.reason) for each in section.allow),
    )


def _base(section: BaseSection | BaseImageSection) -> Base:
    if isinstance(section, BaseImageSection):
        return Base(image=section.image, architecture=section.architecture)
    return Base(
        distribution=section.distribution,
        release=section.release,
        suites=tuple(section.suites) or _suites(section.distribution, section.release),
        architecture=section.architecture,
        mirror=section.mirror or None,
        keyring=section.keyring,
    )


def _suites(distribution: str, release: str) -> tuple[str, ...]:
    """The release, and where its repairs are published; Ubuntu's come with the updates, or before them."""
    if distribution == "ubuntu":
        return (release, f"{release}-updates", f"{release}-security")
    return (release,) if release in ROLLING_RELEASES else (release, f"{release}-security")


def _node(section: ImageSection) -> NodeApplication | None:
    if isinstance(section.node, str):
        return node_application(section.node, section.files) if section.node else None
    return NodeApplication(lock=section.node.lock, into=section.node.into)


def _git(section: GitSection) -> GitSource:
    reference = f"refs/tags/{section.tag}" if section.tag else f"refs/heads/{section.branch}"
    return GitSource(
        url=section.url,
        into=section.into,
        commit=section.commit,
        reference="" if section.commit else reference,
        path=section.path.strip("/"),
    )


def _fleet(name: str, section: FleetSection, kind: ImageKind) -> Fleet:
    health, rollout, healing, limits = section.health, section.rollout, section.healing, section.limits
    steady = health.steady if section.port is None else None
    return Fleet(
        name=FleetName(name),
        image=ImageName(section.image),
        port=section.port,
        health=HealthPolicy(
            path=health.path if section.protocol == HTTP else None,
            interval_seconds=health.interval,
            timeout_seconds=health.timeout,
            healthy=health.healthy,
            unhealthy=health.unhealthy,
            grace_seconds=health.grace or _grace_seconds(kind, steady),
            steady_seconds=steady,
        ),
        rollout=RolloutPolicy(
            strategy=rollout.strategy,
            surge=rollout.surge,
            unavailable=rollout.unavailable,
            steps=tuple(rollout.steps),
            pause_seconds=rollout.pause,
            checkpoint=rollout.checkpoint,
            baseline=rollout.baseline,
            keep_seconds=rollout.keep,
        ),
        healing=HealingPolicy(limit=healing.limit, window_seconds=healing.window, flaps=healing.flaps),
        budget=BudgetPolicy(
            per_hour=section.budget.per_hour,
            gentle_per_hour=section.budget.gentle_per_hour,
            per_zone=section.budget.per_zone,
        ),
        drain_timeout_seconds=section.drain,
        after=tuple(FleetName(other) for other in section.after),
        freshness=_freshness(section.policy),
        limits=Limits(memory_bytes=limits.memory or None, cpus=limits.cpus or None),
        start=Start(section.start),
        scale=_scale(section.scale),
    )


def _grace_seconds(kind: ImageKind, steady: float | None) -> float:
    """Of a worker it begins when it may first be well."""
    return (MACHINE_GRACE_SECONDS if kind is ImageKind.VM else GRACE_SECONDS) + (steady or 0.0)


def _scale(section: ScaleSection) -> Scale:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - few files have schedules

    own = {
        "cpu": section.cpu,
        "memory": section.memory,
        "requests_per_instance": section.requests_per_instance,
        **section.metrics,
    }
    return Scale(
        targets=tuple(MetricTarget(metric=metric, value=value) for metric, value in own.items() if value),
        schedule=tuple(
            ScheduledSize(cron=one.cron, time_zone=ZoneInfo(one.time_zone), size=one.size) for one in section.schedule
        ),
        tolerance=section.tolerance,
        out_after_seconds=section.out_after,
        in_after_seconds=section.in_after,
        in_per_hour=section.in_per_hour,
        cool_down_seconds=section.cool_down,
        window_seconds=section.window,
    )


def _freshness(section: OwnPolicySection) -> Freshness:
    return Freshness(
        soft_seconds=section.max_age,
        hard_seconds=section.hard_max_age,
        critical_seconds=section.fix_within.critical,
        high_seconds=section.fix_within.high,
    )


def _watched(section: FreshnessSection) -> FreshnessPolicy:
    return FreshnessPolicy(
        every_seconds=section.every, updates=section.updates == "weekly", time_zone=section.time_zone
    )


def _fleet_size(section: FleetSizeSection) -> FleetSize:
    within = section.size
    highest = within.highest if within.highest > within.lowest else None
    return FleetSize(size=within.lowest, highest=highest, listen=section.listen or None)


def _environment(name: str, section: EnvironmentSection, file: File) -> Environment:
    return Environment(
        name=EnvironmentName(name),
        provider=ProviderName(section.provider),
        zones=tuple(ZoneName(zone) for zone in section.zones) or (ZoneName(DEFAULT_ZONE),),
        fleets={FleetName(fleet): _fleet_size(sizes) for fleet, sizes in section.fleets.items()},
        configuration={
            variable: value.secret if isinstance(value, SecretSection) else value
            for variable, value in section.config.items()
        },
        freshness=_freshness(section.policy),
        gates=_gates(section, file),
    )


def _metric_limits(section: MetricsSection | None) -> MetricLimits | None:
    if section is None:
        return None
    return MetricLimits(
        error_rate=section.error_rate,
        latency_seconds=section.latency,
        over_seconds=section.over,
        samples=section.samples,
    )


def _gates(environment: EnvironmentSection, file: File) -> Gates:
    section = environment.gates
    return Gates(
        checks=checks_in(environment, file),
        check_seconds=section.checks_last,
        soak_seconds=section.soak,
        metrics=_metric_limits(section.metrics),
        approvals=section.approvals,
        approval_seconds=section.approvals_last,
        window=section.window,
        freezes=tuple(section.freeze),
        unknown_holds=section.unknown == "hold",
        holidays=section.holidays,
    )
