"""Canary: so many new ones as the step allows, then a pause; batch by batch within a step."""

from repave.planner.strategies.move import Allowance, Move


def canary(move: Move) -> Allowance:
    """As many old ones stay as the step and the new leave; where old ones are lost, new ones take their place.

    What is started beside the new shares the room with it, so that both are as young.
    """
    most = min(move.size, max(move.most, move.size - move.old))
    missing = max(0, most - move.new)
    room = max(0, move.size + move.surge - move.occupied)
    launches = min(missing, max(room - move.beside, (room + 1) // 2))
    old_serving = move.serving - move.new_serving
    staying = max(0, move.size - max(most, move.new_serving))
    return Allowance(
        launches=launches,
        above=move.surge,
        admits=move.size,
        retires=max(0, old_serving - staying),
        most=most,
        beside=min(move.beside, room - launches),
    )
