"""How long properties are tried: HYPOTHESIS_PROFILE=ci tries each a thousand times."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("dev", max_examples=100, deadline=None)
settings.register_profile(
    "ci",
    max_examples=1000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # a shared machine is slow at times, which says nothing of the code
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
