"""What needs what within an image: Debian's relations, requirements of wheels, and the way down to every part."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repave.attestations.sbom.debian_graph import debian_needs
from repave.attestations.sbom.inventory import Facts, Part, PartKind
from repave.attestations.sbom.roots import roots
from repave.attestations.sbom.wheel_graph import environment, wheel_needs


@pytest.mark.parametrize(
    ("relation", "satisfied_by"),
    [
        ("libc6 (>= 2.36)", ("libc6",)),
        ("libc6 (>= 2.37)", ()),
        ("libc6 (= 2.36-9)", ("libc6",)),
        ("libc6 (<< 2.36-9)", ()),
        ("libc6:any (>> 1:0) | dash", ("dash",)),
        ("nothing | dash", ("dash",)),
        ("dash | libc6", ("dash",)),
        ("awk", ("mawk",)),
        ("awk (>= 1)", ()),
        ("shell (>= 2)", ("dash",)),
        ("shell (>= 4)", ()),
        ("nothing at all (", ()),
        ("", ()),
    ],
)
def test_a_relation_leads_to_what_satisfies_it(relation: str, satisfied_by: tuple[str, ...]) -> None:
    """Names before providers, alternatives in their order, versions as dpkg compares them, virtual ones by policy."""
    image = {
        "asker": ("1.0", Facts(needs=(relation,))),
        "libc6": ("2.36-9", Facts()),
        "dash": ("0.5", Facts(provides=("shell (= 3)",))),
        "mawk": ("1.0", Facts(provides=("awk",))),
    }
    assert debian_needs(image)["asker"] == satisfied_by


def wheels(said: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """What needs what among these wheels, for Python 3.11 on an arm64 machine."""
    known = {name: Facts(needs=needs) for name, needs in said.items()}
    return wheel_needs(known, environment("3.11.2-1+b1", "arm64"))


@pytest.mark.parametrize(
    ("requirement", "satisfied_by"),
    [
        ("Other_Thing>=1", ("other-thing",)),
        ("other-thing; python_version < '3.11'", ()),
        ("other-thing; python_full_version == '3.11.2'", ("other-thing",)),
        ("other-thing; platform_machine == 'aarch64'", ("other-thing",)),
        ("other-thing; sys_platform == 'win32'", ()),
        ("absent", ()),
        ("no requirement (", ()),
        ("asker[extra]", ()),
    ],
)
def test_a_requirement_is_judged_for_the_python_of_the_image(requirement: str, satisfied_by: tuple[str, ...]) -> None:
    """Markers are evaluated for what is locked, never for the Python that repave runs on."""
    assert wheels({"asker": (requirement,), "other-thing": ("asker",)})["asker"] == satisfied_by


def test_extras_that_are_asked_for_bring_their_wheels() -> None:
    """Also through a second wheel."""
    assert wheels(
        {
            "app": ("server[fast]",),
            "server": ("loop[deep]; extra == 'fast'", "other; extra == 'slow'"),
            "loop": ("other; extra == 'deep'",),
            "other": ("app",),
        }
    ) == {"app": ("server",), "server": ("loop",), "loop": ("other",), "other": ("app",)}


def test_a_wheel_that_nothing_needs_is_there_for_the_extra_that_wants_it() -> None:
    """The lock does not say which extras the file asked for."""
    assert wheels({"server": ("loop; extra == 'fast'", "absent; extra == 'slow'"), "loop": (), "alone": ()}) == {
        "server": ("loop",),
        "loop": (),
        "alone": (),
    }


def part(reference: str, needs: tuple[str, ...]) -> Part:
    """A part of which only the edges matter."""
    return Part(reference=reference, name=reference, version="", kind=PartKind.FILE, needs=needs)


GRAPHS = st.dictionaries(st.sampled_from("abcdefgh"), st.sets(st.sampled_from("abcdefgh"), max_size=3), max_size=8)


@settings(max_examples=300)
@given(GRAPHS)
def test_every_part_is_reached_from_the_roots_and_no_root_is_too_many(graph: dict[str, set[str]]) -> None:
    """Whatever needs whatever, in rings too: a reader who follows the edges from the artifact sees everything."""
    parts = [part(name, tuple(sorted(needs & graph.keys()))) for name, needs in sorted(graph.items())]
    found = roots(parts)
    assert reached(parts, found) == set(graph)
    for root in found:
        others = tuple(other for other in found if other != root)
        assert root not in reached(parts, others)


def reached(parts: list[Part], start: tuple[str, ...]) -> set[str]:
    """All that the start leads to."""
    needs = {one.reference: one.needs for one in parts}
    seen: set[str] = set()
    waiting = list(start)
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen.add(here)
            waiting += needs[here]
    return seen


def test_a_package_that_needs_itself_is_a_root() -> None:
    """Some Debian packages name themselves among their relations."""
    parts = [replace(part("a", ()), needs=("a",)), part("b", ("a",))]
    assert roots(parts) == ("b",)
    assert roots(parts[:1]) == ("a",)
