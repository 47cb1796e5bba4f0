"""What the fleet's strategy is told of it, and allows."""

from repave.model.disruption import Drawer
from repave.planner.baseline import lacking
from repave.planner.draft import ALIVE, Draft
from repave.planner.sets import Standing
from repave.planner.strategies import STRATEGIES, Allowance, Move


def schedule(draft: Draft) -> Allowance:
    """What the strategy allows, as the fleet stands now."""
    room = draft.budget.room(Drawer.ROLLOUT)
    return STRATEGIES[draft.policy.rollout.strategy](
        Move(
            size=draft.goal,
            floor=draft.floor,
            most=draft.goal if draft.most is None else draft.most,
            surge=draft.surge if room is None else min(draft.surge, room + len(draft.outgoing)),
            new=draft.new,
            new_ready=len(draft.remaining(Standing.SERVING, Standing.READY, current=True)),
            new_serving=len(draft.remaining(Standing.SERVING, current=True)),
            old=len(draft.remaining(*ALIVE, current=False)),
            serving=draft.serving,
            occupied=draft.occupied,
            beside=lacking(draft),
            switched=draft.target.switched is not None,
        )
    )
