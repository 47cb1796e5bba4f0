"""Limits of age and of flaws: each is said by whoever is nearest to the fleet."""

from pathlib import Path

from repave.config.policies import fleet_policy
from repave.config.project import parse_project
from repave.model.freshness import DeclaredLimit, FreshnessPolicy
from repave.model.names import EnvironmentName, FleetName
from repave.model.policy import FleetPolicy
from repave.model.release import SecretReference
from repave.model.review import Forge, ReviewSettings

VALID = (Path(__file__).parent / "valid.yaml").read_text(encoding="utf-8")
FLEET = "    policy: {max_age: 3d, fix_within: {high: 2d}}\n    rollout: {surge: 25%}\n"
PROD = "  prod:\n    policy: {max_age: 10d, hard_max_age: 20d}\n"
DAY = 86400.0


def policy(text: str, environment: str) -> FleetPolicy:
    """Of the fleet there."""
    project = parse_project(text, filename="repave.yaml")
    return fleet_policy(project, EnvironmentName(environment), FleetName("web"))


def limits(found: FleetPolicy) -> list[float]:
    """In days."""
    ages, flaws = found.age, found.fix_within
    each = (ages.soft_seconds, ages.hard_seconds, flaws.critical_seconds, flaws.high_seconds)
    return [(seconds or 0.0) / DAY for seconds in each]


def test_the_project_says_what_nobody_else_does() -> None:
    """And then there is nothing to tell of."""
    found = policy(VALID, "prod")
    assert (limits(found), found.declared) == ([30, 90, 7, 30], ())


def test_an_environment_has_limits_of_its_own() -> None:
    """In it alone."""
    text = VALID.replace("  prod:\n", PROD)
    assert limits(policy(text, "test")) == [30, 90, 7, 30]
    assert limits(policy(text, "prod")) == [10, 20, 7, 30]


def test_a_fleet_comes_before_its_environment_key_by_key() -> None:
    """Each limit is that of the nearest who says one, and it is told who that is."""
    text = VALID.replace("  prod:\n", PROD).replace("    rollout: {surge: 25%}\n", FLEET)
    found = policy(text, "prod")
    assert limits(found) == [3, 20, 7, 2]
    assert found.declared == (
        DeclaredLimit(key="max_age", seconds=3 * DAY, by="fleets.web.policy"),
        DeclaredLimit(key="hard_max_age", seconds=20 * DAY, by="environments.prod.policy"),
        DeclaredLimit(key="fix_within.high", seconds=2 * DAY, by="fleets.web.policy"),
    )


def test_what_is_done_without_being_asked_is_said_for_the_whole_project() -> None:
    """Every hour, with updates every week of UTC, where nothing is said."""
    assert parse_project(VALID, filename="repave.yaml").freshness == FreshnessPolicy()
    text = f"{VALID}policy: {{freshness: {{every: 30m, updates: never, time_zone: Europe/Prague}}}}\n"
    said = FreshnessPolicy(every_seconds=1800.0, updates=False, time_zone="Europe/Prague")
    assert parse_project(text, filename="repave.yaml").freshness == said


def test_who_looks_at_lock_changes_is_said_with_the_public_api_by_default() -> None:
    """Nobody does where nothing is said."""
    assert parse_project(VALID, filename="repave.yaml").review is None
    said = "forge: gitlab, repository: team/web/shop, token: {secret: env:TOKEN}, author: repave <repave@example.org>"
    assert parse_project(f"{VALID}review: {{{said}}}\n", filename="repave.yaml").review == ReviewSettings(
        forge=Forge.GITLAB,
        api="https://gitlab.com/api/v4",
        repository="team/web/shop",
        token=SecretReference(scheme="env", locator="TOKEN"),
        author="repave <repave@example.org>",
        into="main",
        remote="origin",
    )
