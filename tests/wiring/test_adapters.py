"""Which adapters are found, and what is said of those that are not."""

from pathlib import Path

import pytest

from repave.config.errors import FileError
from repave.model.names import ProviderName
from repave.operations.errors import Refused
from repave.wiring import Wiring

FILE = """
project: shop
images: {web: {kind: container, base: {distribution: debian, release: bookworm}, packages: [python3], run: python3 x}}
fleets: {web: {image: web, port: 8000}}
environments: {test: {provider: local, fleets: {web: {size: 1}}}}
"""


def test_a_provider_that_nobody_installed_is_told_as_the_file_is_read(tmp_path: Path) -> None:
    """Where it stands, and the nearest one that there is: before anything is locked or baked for it."""
    file = tmp_path / "repave.yaml"
    file.write_text(FILE.replace("local", "locla"), encoding="utf-8")
    with pytest.raises(FileError) as refused:
        _ = Wiring(file).project
    (problem,) = refused.value.problems
    assert (problem.line, problem.column) == (5, 33)
    assert problem.found == "provider `locla` is not installed"
    assert (problem.expected, problem.nearest) == ("local", "local")
    assert problem.hint == "other packages bring more by the entry point `repave.providers`"


def test_a_provider_that_is_installed_no_more_is_said_to_be_the_files_wish(tmp_path: Path) -> None:
    """What was read before is kept: what it is, who asks for it, and what there is instead."""
    file = tmp_path / "repave.yaml"
    file.write_text(FILE, encoding="utf-8")
    with pytest.raises(Refused) as refused:
        Wiring(file).machines(ProviderName("aws"))
    assert str(refused.value) == "repave.yaml asks for provider `aws`, and none of that name is installed"
    assert refused.value.hint.startswith("installed: local; ")
