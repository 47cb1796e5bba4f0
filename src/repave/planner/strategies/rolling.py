"""Rolling: batch by batch, new first."""

from repave.planner.strategies.move import Allowance, Move


def rolling(move: Move) -> Allowance:
    """Launch what is missing as far as the surge allows; old ones leave as new ones serve."""
    missing = max(0, move.size - move.new)
    room = max(0, move.size + move.surge - move.occupied)
    return Allowance(launches=min(missing, room), above=move.surge, admits=move.size, retires=move.old, most=move.size)
