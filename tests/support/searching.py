"""`repave where`, over a simulated shop."""

from bases_below import SaidBases
from said_bundles import SaidBundles
from simulated_shop import QUIET, Shop

from repave.operations.where import Search


def search_of(shop: Shop) -> Search:
    """As the command looks: by the present lock and the shop's own advisories."""
    return Search(
        store=shop.store,
        present=shop.locked.present(),
        advisories=(shop.advisories,),
        bases=SaidBases(),
        bundles=SaidBundles(),
        progress=QUIET,
    )
