"""The rules every adapter must obey, as checks that any test can run over any adapter."""

from repave.simulation.contract.provider import PROVIDER_RULES, ProviderStage
from repave.simulation.contract.rule import BrokenRule, Rule
from repave.simulation.contract.traffic import TRAFFIC_RULES, Server, TrafficStage

__all__ = ["PROVIDER_RULES", "TRAFFIC_RULES", "BrokenRule", "ProviderStage", "Rule", "Server", "TrafficStage"]
