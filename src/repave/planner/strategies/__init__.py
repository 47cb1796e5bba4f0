"""Schedules of the same move: how fast capacity goes from old instances to new ones. Pure, one function each."""

from collections.abc import Callable, Mapping

from repave.planner.strategies.blue_green import blue_green
from repave.planner.strategies.canary import canary
from repave.planner.strategies.move import Allowance, Move
from repave.planner.strategies.rolling import rolling

STRATEGIES: Mapping[str, Callable[[Move], Allowance]] = {"rolling": rolling, "canary": canary, "blue-green": blue_green}
"""By the name ``repave.yaml`` uses."""

__all__ = ["STRATEGIES", "Allowance", "Move"]
