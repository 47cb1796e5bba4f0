"""Which wheel an interpreter takes: the standard's order, for an image's interpreter instead of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repave.model.recipe import Base
from repave.pinners.wheels import Interpreter, interpreter
from repave.ports.errors import Invalid

BOOKWORM = Interpreter(version=(3, 11, 2), glibc_minor=36, machine="x86_64")
BEST_FIRST = (
    "x-1.0-2-cp311-cp311-manylinux_2_36_x86_64.whl",
    "x-1.0-1-cp311-cp311-manylinux_2_36_x86_64.whl",
    "x-1.0-cp311-cp311-manylinux_2_28_x86_64.whl",
    "x-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "x-1.0-cp311-cp311-manylinux1_x86_64.whl",
    "x-1.0-cp311-abi3-manylinux_2_28_x86_64.whl",
    "x-1.0-cp38-abi3-manylinux_2_28_x86_64.whl",
    "x-1.0-py3-none-manylinux_2_28_x86_64.whl",
    "x-1.0-py311-none-any.whl",
    "x-1.0-py3-none-any.whl",
    "x-1.0-py2.py3-none-any.whl",
)
NEVER = (
    "x-1.0-cp312-cp312-manylinux_2_28_x86_64.whl",
    "x-1.0-cp311-cp311-manylinux_2_37_x86_64.whl",
    "x-1.0-cp311-cp311-musllinux_1_2_x86_64.whl",
    "x-1.0-cp311-cp311-macosx_11_0_arm64.whl",
    "x-1.0-py2-none-any.whl",
    "x-old.whl",
)


@given(wheels=st.sets(st.sampled_from(BEST_FIRST[:-1] + NEVER)), seed=st.randoms())
def test_the_best_of_any_wheels_is_taken(wheels: set[str], seed: object) -> None:
    """Whatever is there and in whatever order it is listed; what does not fit is never taken."""
    shuffled = sorted(wheels, key=lambda name: hash((name, str(seed))))
    fitting = [name for name in BEST_FIRST if name in wheels]
    assert BOOKWORM.best(shuffled) == (fitting[0] if fitting else None)


def test_the_interpreter_is_read_from_the_locked_packages() -> None:
    """An architecture for which there are no wheels is refused."""
    base = Base(distribution="debian", release="bookworm", suites=("bookworm",), architecture="riscv64")
    with pytest.raises(Invalid, match="no wheels are known for the architecture riscv64"):
        interpreter(base, {})
    assert BOOKWORM.platform == "x86_64-manylinux_2_36"
