"""Which packages lie in a root before dpkg can unpack the others."""

from hypothesis import given
from hypothesis import strategies as st

from repave.archives.closure import base_names, first_names, unmet
from repave.archives.control import Fields

SYSTEM: dict[str, Fields] = {
    "dash": {"Essential": "yes", "Pre-Depends": "libc6 (>= 2.36)"},
    "libc6": {"Depends": "libgcc-s1"},
    "libgcc-s1": {},
    "mawk": {"Provides": "awk"},
    "base-files": {"Essential": "yes", "Pre-Depends": "awk"},
    "debconf": {"Depends": "perl-base:any", "Provides": "debconf-2.0"},
    "perl-base": {"Essential": "yes"},
    "openssh-server": {"Pre-Depends": "debconf (>= 1.2) | debconf-2.0", "Depends": "libwrap0"},
    "libwrap0": {},
    "linux-image": {"Depends": "kmod"},
    "kmod": {},
}


def test_scripts_that_run_at_unpacking_find_what_they_may_use() -> None:
    """Essential packages, what is depended on in advance, by whatever name, and what these need: nothing else."""
    assert first_names(SYSTEM) == {"dash", "libc6", "libgcc-s1", "mawk", "base-files", "debconf", "perl-base"}


NAMES = tuple("abcdef")
RELATIONS = st.lists(st.sampled_from(NAMES), max_size=3).map(", ".join)


@given(
    st.dictionaries(
        st.sampled_from(NAMES),
        st.fixed_dictionaries(
            {
                "Pre-Depends": RELATIONS,
                "Depends": RELATIONS,
                "Provides": RELATIONS,
                "Essential": st.just("yes") | st.just("no"),
            }
        ),
    )
)
def test_what_is_first_stands_by_itself(chosen: dict[str, Fields]) -> None:
    """Nothing of the first needs what is not among them, and all of the essential ones are."""
    first = first_names(chosen)
    assert base_names(chosen) <= first
    assert base_names({name: chosen[name] for name in first}, first) == first


def test_a_relation_that_nothing_meets_is_found() -> None:
    """By its alternatives, once, with who has it first; another alternative or a provider will do."""
    assert unmet(SYSTEM) == {}
    without = {name: fields for name, fields in SYSTEM.items() if name not in {"libgcc-s1", "mawk"}}
    assert unmet(without) == {("libgcc-s1",): "libc6", ("awk",): "base-files"}
    assert unmet({**without, "gawk": {"Provides": "awk"}, "cpp": {"Depends": "libgcc-s1"}}) == {("libgcc-s1",): "cpp"}
