"""Whatever the model can say survives the way into the store and back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, Literal, NewType, get_args, get_origin, get_type_hints

import pytest
from chooser import Chooser
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


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """A few to choose from."""
    return st.lists(values, min_size=1, max_size=3)


PLAIN = st.fixed_dictionaries(
    {
        str: some(st.text()),
        int: some(st.integers()),
        # What is not a number is not even equal to itself.
        float: some(st.floats(allow_nan=False, allow_infinity=False)),
        datetime: some(st.datetimes() | MOMENTS),
        bool: st.just((False, True)),
        NoneType: st.just((None,)),
    }
)
"""What all other values are made of: of each kind some, each of which may stand in many places."""

hints_of: Callable[[Any], Mapping[str, object]] = cache(get_type_hints)


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Makes values of the plain ones, by choice."""

    plain: Mapping[object, Sequence[object]]
    chooser: Chooser

    def value(self, hint: object) -> object:
        """Any of that kind."""
        if hint in self.plain:
            return self.chooser.of(self.plain[hint])
        if isinstance(hint, NewType):
            return self.value(hint.__supertype__)
        if isinstance(hint, type) and get_origin(hint) is None:
            return self._of_class(hint)
        return self._of_several(get_origin(hint), get_args(hint))

    def _of_class(self, kind: type) -> object:
        if issubclass(kind, Enum):
            return self.chooser.of(list(kind))
        return kind(**{name: self.value(hint) for name, hint in hints_of(kind).items()})

    def _of_several(self, origin: object, arguments: tuple[object, ...]) -> object:
        if origin is Literal:
            return self.chooser.of(arguments)
        if origin is not tuple:
            return self.value(self.chooser.of(arguments))
        hints = arguments[:1] * self.chooser.of(range(4)) if arguments[-1] is Ellipsis else arguments
        return tuple(map(self.value, hints))


@given(PLAIN, st.binary(min_size=300, max_size=300))
def test_every_document_comes_back_as_it_was(plain: Mapping[object, Sequence[object]], digits: bytes) -> None:
    """Written and read again, nothing is lost."""
    for kind in (Plan, Observation, Lock, Artifact, Revision):
        value = Maker(plain=plain, chooser=Chooser(digits)).value(kind)
        assert decode(kind, encode(value)) == value


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
