"""Which adapters are found, and what is said of those that are not."""

from pathlib import Path

import pytest

from repave.model.names import ProviderName
from repave.operations.errors import Refused
from repave.wiring import Wiring

FILE = """
project: shop
images: {web: {kind: container, base: {distribution: debian, release: bookworm}, packages: [python3], run: python3 x}}
fleets: {web: {image: web, port: 8000}}
environments: {test: {provider: aws, fleets: {web: {size: 1}}}}
"""


def test_a_provider_that_nobody_installed_is_said_to_be_the_files_wish(tmp_path: Path) -> None:
    """What it is, who asks for it, and what there is instead."""
    file = tmp_path / "repave.yaml"
    file.write_text(FILE, encoding="utf-8")
    with pytest.raises(Refused) as refused:
        Wiring(file).machines(ProviderName("aws"))
    assert str(refused.value) == "repave.yaml asks for provider `aws`, and none of that name is installed"
    assert refused.value.hint.startswith("installed: local; ")
