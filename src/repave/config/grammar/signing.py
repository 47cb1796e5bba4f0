"""``signing``: who signs what is baked, and whose signatures count."""

from pydantic import Field

from repave.config.grammar.fields import Place, Secret, Section, SigningKey


class SigningSection(Section):
    """Who signs what is baked, and whose signatures count."""

    key: SigningKey | None = Field(default=None, description="The private key by which every bake signs.")
    passphrase: Secret | None = Field(
        default=None, description="Where the passphrase of the key is, or the PIN of the token."
    )
    verify: list[Place] = Field(
        default=[],
        min_length=1,
        description="Files of public keys (PEM). Nothing is deployed that none of them has signed.",
    )
