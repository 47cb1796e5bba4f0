"""Whatever the model can say survives the way into the store and back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repave.model.artifact import Artifact
from repave.model.lock import Lock
from repave.model.names import EnvironmentName, FleetKey, FleetName, ProjectName
from repave.model.observation import Observation
from repave.model.plan import Plan
from repave.model.release import Revision
from repave.store.documents import decode, encode
from repave.store.sql import SqlStore

NAMES = st.text(st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), max_size=8)
MOMENTS = st.datetimes(
    datetime(1980, 1, 1),  # noqa: DTZ001 - hypothesis wants bounds without a zone and adds one
    datetime(2200, 1, 1),  # noqa: DTZ001 - the same
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
FLEETS = st.builds(
    FleetKey, project=NAMES.map(ProjectName), environment=NAMES.map(EnvironmentName), fleet=NAMES.map(FleetName)
)
# What is not a number is not even equal to itself.
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


@pytest.mark.parametrize("kind", [Plan, Observation, Lock, Artifact, Revision])
def test_every_document_comes_back_as_it_was(kind: type[object]) -> None:
    """Written and read again, nothing is lost."""

    @given(st.from_type(kind))
    @settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None)
    def round_trip(value: object) -> None:
        assert decode(kind, encode(value)) == value

    round_trip()


@given(st.lists(st.tuples(FLEETS, MOMENTS), min_size=1, max_size=5, unique_by=lambda each: each[0]))
@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
def test_moments_come_back_aware_and_in_utc(url: str, scenes: object) -> None:
    """To the microsecond, from whatever zone they came."""
    assert isinstance(scenes, list)
    store = SqlStore(url)
    for fleet, moment in scenes:
        lease = store.acquire(str(fleet), "me", at=moment, seconds=10)
        found = store.lease(str(fleet), moment)
        assert found == lease
        assert found is not None
        assert found.expires_at.tzinfo is UTC
    store.close()


def test_what_no_document_can_hold_is_refused() -> None:
    """A set has no order, so it has no place in a value."""
    with pytest.raises(TypeError, match="cannot hold set"):
        encode({"a": {1}})


def test_a_document_that_lacks_what_it_needs_is_named() -> None:
    """By the value and the field."""
    with pytest.raises(ValueError, match="a FleetKey without environment, fleet"):
        decode(FleetKey, '{"project": "shop"}')
