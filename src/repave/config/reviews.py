"""What ``review`` means, and what it may say of the address it sends a token to."""

from collections.abc import Iterator

from repave.config.document import Document
from repave.config.errors import Problem
from repave.config.grammar.review import ReviewSection
from repave.config.origins import LOOPBACK
from repave.config.problems import Unfit, problem
from repave.config.words import mapping_of
from repave.model.review import Forge, ReviewSettings

PUBLIC = {Forge.GITHUB: "https://api.github.com", Forge.GITLAB: "https://gitlab.com/api/v4"}
"""The APIs that are meant where none is named."""


def check_review(document: Document) -> Iterator[Problem]:
    """No token goes over a line that nothing protects."""
    address = mapping_of(mapping_of(document.data).get("review")).get("api")
    if isinstance(address, str) and address.startswith("http://") and not LOOPBACK.fullmatch(address):
        yield problem(
            document,
            document.at_value(("review", "api")),
            f"the token would go to `{address}` unprotected",
            Unfit(f"`https{address.removeprefix('http')}`"),
        )


def review_settings(section: ReviewSection) -> ReviewSettings:
    """As the model has it."""
    forge = Forge(section.forge)
    return ReviewSettings(
        forge=forge,
        api=section.api or PUBLIC[forge],
        repository=section.repository,
        token=section.token.secret,
        author=section.author,
        into=section.into,
        remote=section.remote,
    )
