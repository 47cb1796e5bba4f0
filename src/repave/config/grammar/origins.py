"""``origins`` and ``vault``: where files really come from, and with whom they are shared."""

from pydantic import Field

from repave.config.grammar.environments import SecretSection
from repave.config.grammar.fields import Section, Service, SharedPlace, Username


class CredentialsSection(Section):
    """Who we are at an address."""

    username: Username = Field(description="The name; `__token__` or any other where only the token counts.")
    password: SecretSection = Field(description="Where its password or token is: `{secret: env:NAME}`.")


class OriginSection(Section):
    """What holds for an address and everything below it."""

    mirrors: list[Service] = Field(
        default=[],
        min_length=1,
        description="Asked instead, in this order: the same paths are below each. The lock keeps the origin's address.",
    )
    credentials: CredentialsSection | None = Field(default=None, description="Who we are there.")
    """Unlike other sections it has no defaults."""
    insecure: bool = Field(default=False, description="A registry (`oci://`) that is spoken to without TLS.")


class VaultSection(Section):
    """Who else keeps locked files."""

    shared: list[SharedPlace] = Field(
        default=[],
        min_length=1,
        description="Vaults asked before any origin: folders, or repositories of a registry (`oci://...`).",
    )
