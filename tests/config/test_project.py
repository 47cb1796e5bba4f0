"""What a right file means."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from repave.config.errors import NotInRelease, UnknownName
from repave.config.policies import environment_named, fleet_named, fleet_policy, revision_for
from repave.config.project import load_project, parse_project
from repave.model.amount import Amount
from repave.model.names import Digest, EnvironmentName, FleetKey, FleetName, ImageName, ProjectName, ReleaseNumber
from repave.model.policy import BudgetPolicy, HealthPolicy
from repave.model.project import Project
from repave.model.recipe import Base, FileMapping
from repave.model.release import Limits, Release, SecretReference

VALID = (Path(__file__).parent / "valid.yaml").read_text(encoding="utf-8")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

WEB, PROD, TEST = FleetName("web"), EnvironmentName("prod"), EnvironmentName("test")


def read(text: str = VALID) -> Project:
    """The project of a text."""
    return parse_project(text, filename="repave.yaml")


def release(**artifacts: str) -> Release:
    """Release 3 with these artifacts."""
    return Release(
        number=ReleaseNumber(3),
        artifacts={ImageName(name): Digest(digest) for name, digest in artifacts.items()},
        lock=Digest("sha256:" + "0" * 64),
        source="",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_an_image_is_its_recipe() -> None:
    """Everything the file says, and the command as an argument list."""
    image = read().images[ImageName("web")]
    assert image.base == Base(distribution="debian", release="bookworm", suites=("bookworm", "bookworm-security"))
    assert image.packages == ("python3", "openssl")
    assert image.python == ("flask ~= 3.0", "gunicorn")
    assert image.files == (FileMapping(source="app/", target="/srv/app/"),)
    assert image.run == ("python3", "-m", "gunicorn", "app:app")
    assert (image.user, image.ephemeral, image.boot) == ("www-data", False, None)


def test_suites_left_out_are_the_release_and_its_security_suite() -> None:
    """An image that gets no repairs must be asked for by name."""
    image = read(VALID.replace(", suites: [bookworm, bookworm-security]", "")).images[ImageName("web")]
    assert image.base.suites == ("bookworm", "bookworm-security")


@pytest.mark.parametrize(
    ("written", "arguments"),
    [
        ("run: sh -c 'echo $HOME && exit 1'", ("sh", "-c", "echo $HOME && exit 1")),
        ("run: [python3, -c, 'print(1); $X']", ("python3", "-c", "print(1); $X")),
        ("run: 'python3 -m \"my app\"'", ("python3", "-m", "my app")),
    ],
)
def test_a_command_is_split_as_a_shell_would_and_given_to_none(written: str, arguments: tuple[str, ...]) -> None:
    """Quotes group; nothing is expanded; a list is taken as it stands."""
    project = read(VALID.replace("run: python3 -m gunicorn app:app", written))
    assert project.images[ImageName("web")].run == arguments


@pytest.mark.parametrize(("given", "seconds"), [("", 300.0), (", grace: 10m", 600.0)])
def test_a_fleet_of_machines_has_longer_to_become_healthy(given: str, seconds: float) -> None:
    """A kernel starts before the application; what the file says counts all the same."""
    machines = VALID.replace("kind: container", "kind: vm").replace("interval: 2s", f"interval: 2s{given}")
    assert read(machines).fleets[WEB].health.grace_seconds == seconds


def test_a_fleet_has_the_defaults_of_safety() -> None:
    """What is not said is the careful choice."""
    fleet = read().fleets[WEB]
    assert fleet.health == HealthPolicy(path="/healthz", interval_seconds=2.0)
    assert fleet.health.grace_seconds == 60.0
    assert fleet.rollout.surge == Amount(value=25, percent=True)
    assert fleet.rollout.unavailable == Amount(value=0)
    assert fleet.healing.limit == Amount(value=20, percent=True)
    assert fleet.healing.window_seconds == 600.0
    assert fleet.budget == BudgetPolicy(per_hour=None, gentle_per_hour=Amount(value=20, percent=True), per_zone=None)
    assert fleet.drain_timeout_seconds == 30.0
    assert fleet.limits == Limits(memory_bytes=256 * 1024**2, cpus=0.5)


def test_a_budget_is_read_as_written() -> None:
    """Counts and shares, each where it stands."""
    budget = "    budget: {per_hour: 10%, gentle_per_hour: 1, per_zone: 2}\n"
    policy = fleet_policy(read(VALID.replace("    limits:", budget + "    limits:")), TEST, WEB)
    assert policy.budget == BudgetPolicy(
        per_hour=Amount(value=10, percent=True), gentle_per_hour=Amount(value=1), per_zone=Amount(value=2)
    )


def test_an_environment_without_zones_has_one() -> None:
    """Every instance is in a zone, also where there is only one."""
    project = read()
    assert project.environments[TEST].zones == ("local",)
    assert project.environments[PROD].zones == ("a", "b")


def test_a_port_to_listen_on_is_on_loopback() -> None:
    """Beyond this machine only where the address says so."""
    assert read().environments[PROD].fleets[WEB].listen == "127.0.0.1:8080"
    assert read().environments[TEST].fleets[WEB].listen is None
    everywhere = read(VALID.replace("listen: 8080", 'listen: "0.0.0.0:8080"'))
    assert everywhere.environments[PROD].fleets[WEB].listen == "0.0.0.0:8080"
    six = read(VALID.replace("listen: 8080", 'listen: "[::1]:8080"'))
    assert six.environments[PROD].fleets[WEB].listen == "[::1]:8080"


@pytest.mark.parametrize("written", ["1.10", "true", "no", "007", "1_000", "0x10", "2026-01-01", "12:30", "1e3"])
def test_a_variable_is_the_text_as_it_is_written(written: str) -> None:
    """A process receives what the person wrote, not what YAML makes of it."""
    project = read(VALID.replace("LOG_LEVEL: info", f"LOG_LEVEL: {written}"))
    assert project.environments[PROD].configuration["LOG_LEVEL"] == written


def test_a_pipeline_left_out_is_the_files_order() -> None:
    """The order in which a person wrote the environments."""
    assert read(VALID.replace("pipeline: [test, prod]", "")).pipeline == ("test", "prod")
    assert read(VALID.replace("[test, prod]", "[prod, test]")).pipeline == ("prod", "test")


def test_a_fleet_of_no_instances_is_allowed() -> None:
    """Asleep is not the same as gone."""
    assert read(VALID.replace("{size: 2}", "{size: 0}")).environments[TEST].fleets[WEB].size == 0


def test_state_that_may_be_lost_may_be_baked() -> None:
    """The person said so."""
    text = VALID.replace("openssl]", "redis-server, postgresql-client]").replace(
        "user: www-data", "user: www-data\n    ephemeral: true"
    )
    assert read(text).images[ImageName("web")].ephemeral


def test_a_client_of_a_database_keeps_no_state() -> None:
    """Only the servers do."""
    project = read(VALID.replace("openssl]", "postgresql-client-15, redis-tools]"))
    assert not project.images[ImageName("web")].ephemeral


def test_a_policy_gathers_what_the_parts_of_the_file_say() -> None:
    """Zones from the environment, care from the fleet."""
    policy = fleet_policy(read(), PROD, WEB)
    assert policy.fleet == FleetKey(project=ProjectName("shop"), environment=PROD, fleet=WEB)
    assert policy.zones == ("a", "b")
    assert policy.health.path == "/healthz"
    assert policy.drain_timeout_seconds == 30.0


def test_the_order_of_fleets_reaches_through_those_between() -> None:
    """`web` is after `cache`, which is after `db`; an environment without `cache` still keeps `web` after `db`."""
    fleets = "  db: {image: web, port: 1}\n  cache: {image: web, port: 2, after: [db]}\n"
    text = VALID.replace("fleets:\n", f"fleets:\n{fleets}", 1).replace("rollout: {surge: 25%}", "after: [cache]")
    project = read(text.replace("{web: {size: 2}}", "{web: {size: 2}, db: {size: 1}, cache: {size: 1}}"))
    names = {
        fleet: [key.fleet for key in fleet_policy(project, TEST, FleetName(fleet)).after] for fleet in ("db", "web")
    }
    assert names == {"db": [], "web": ["cache", "db"]}
    assert [key.fleet for key in fleet_policy(project, TEST, FleetName("db")).before] == ["cache", "web"]
    without = read(text.replace("{web: {size: 6", "{db: {size: 1}, web: {size: 6"))
    assert [key.fleet for key in fleet_policy(without, PROD, WEB).after] == ["db"]


def test_a_revision_is_a_release_with_the_environments_configuration() -> None:
    """The same release differs between environments only by its configuration; secrets stay references."""
    project = read()
    in_prod = revision_for(project, PROD, WEB, release(web="sha256:1"))
    assert in_prod.artifact == "sha256:1"
    assert in_prod.configuration == (("LOG_LEVEL", "info"),)
    assert in_prod.secrets == (("DATABASE_URL", SecretReference(scheme="env", locator="DATABASE_URL")),)
    assert in_prod.port == 8080
    assert in_prod.limits.cpus == 0.5
    assert revision_for(project, TEST, WEB, release(web="sha256:1")).id != in_prod.id


def test_a_release_without_the_fleets_image_is_refused() -> None:
    """It was made before the file knew that image."""
    with pytest.raises(NotInRelease, match="fleet `web` cannot run r3: the release holds no artifact of image `web`"):
        revision_for(read(), PROD, WEB, release(api="sha256:1"))


def test_an_unknown_name_is_told_the_nearest() -> None:
    """Of an environment, and of a fleet in it."""
    with pytest.raises(UnknownName, match="no environment named `prdo`; expected test or prod") as caught:
        environment_named(read(), "prdo")
    assert caught.value.hint == "did you mean `prod`?"
    with pytest.raises(UnknownName, match="no fleet in environment `prod` named `wep`; expected web"):
        fleet_named(read(), "prod", "wep")


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*/repave.yaml")), ids=lambda file: file.parent.name)
def test_every_example_is_right(file: Path) -> None:
    """What people copy must load."""
    assert load_project(file.parent).environments
