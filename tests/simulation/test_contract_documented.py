"""The page on the contract says what the ports and the suite say, number by number."""

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from repave.ports import metrics, provider
from repave.simulation.contract.metrics import MetricsContract
from repave.simulation.contract.provider import ProviderContract
from repave.simulation.contract.traffic import TrafficContract

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "provider-contract.md").read_text(encoding="utf-8")
NUMBERED = re.compile(r"^(\d+)\. (.*)$", re.MULTILINE)


def section(of: str) -> str:
    """One part of the page."""
    return PAGE.partition(f"## Rules of {of}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(("of", "port"), [("providers", provider), ("sources of metrics", metrics)])
def test_the_page_has_the_rules_of_the_port(of: str, port: ModuleType) -> None:
    """Each with its number, in its own words, and no other."""
    assert NUMBERED.findall(section(of)) == NUMBERED.findall(port.__doc__ or "")


@pytest.mark.parametrize(
    ("of", "contract"),
    [("providers", ProviderContract), ("load balancers", TrafficContract), ("sources of metrics", MetricsContract)],
)
def test_the_page_lists_the_suite(of: str, contract: type) -> None:
    """Every test of it, with what it holds."""
    rows = dict(re.findall(r"^\| `(test_\w+)` \| (.*) \|$", section(of), re.MULTILINE))
    suite = {name: inspect.getdoc(test) or "" for name, test in vars(contract).items() if name.startswith("test_")}
    assert rows.keys() == suite.keys()
    for name, words in rows.items():
        assert words in " ".join(suite[name].split()), f"{name} is told differently"


def test_every_rule_of_providers_is_checked() -> None:
    """By a test that bears its number."""
    checked = {number for name in vars(ProviderContract) for number in re.findall(r"^test_rule_(\d)_", name)}
    assert checked == {number for number, _ in NUMBERED.findall(provider.__doc__ or "")}
