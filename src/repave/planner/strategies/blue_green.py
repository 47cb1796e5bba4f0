"""Blue/green: a whole new group beside the old one, all requests over to it at one time, the old kept as a way back."""

from repave.planner.strategies.move import Allowance, Move
from repave.planner.strategies.rolling import rolling


def blue_green(move: Move) -> Allowance:
    """Launch all of it; once all of it is ready, all of it is admitted, and the old stand by when all of it serves.

    Until then the new get no requests, but where fewer than must serve without them. With nothing old there is nothing
    to switch from.
    """
    if not move.old:
        return rolling(move)
    missing = max(0, move.size - move.new)
    above = max(move.size, move.serving - move.new_serving)
    switches = not move.switched and move.new_ready >= move.size
    over = move.switched or switches
    return Allowance(
        launches=min(missing, max(0, move.size + above - move.occupied)),
        above=above,
        admits=move.size if over else max(0, move.floor - move.serving),
        retires=move.old if move.switched and move.new_serving >= move.size else 0,
        most=move.size,
        standby=not over,
        switches=switches,
        keeps=True,
    )
