"""Secrets of this machine: an environment variable (``env:NAME``) or a file (``file:PATH``)."""

from collections.abc import Mapping
from pathlib import Path

from repave.model.release import SecretReference
from repave.ports.errors import Denied, Gone, Invalid


class ReferenceSecrets:
    """The secrets port on this machine.

    ``folder`` is the project's folder, to which relative paths belong; ``environment`` is usually ``os.environ``.
    """

    def __init__(self, *, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment

    def resolve(self, reference: SecretReference) -> str:
        """The secret's value; see the port."""
        if reference.scheme == "env":
            return self._variable(reference)
        if reference.scheme == "file":
            return self._file(reference)
        raise Invalid(
            f"the secret {reference} cannot be resolved: the scheme {reference.scheme!r} is not known here",
            hint="write env:NAME for an environment variable or file:PATH for a file",
        )

    def _variable(self, reference: SecretReference) -> str:
        if reference.locator not in self._environment:
            raise Gone(
                f"the secret {reference} cannot be resolved: the environment variable is not set",
                hint=f"set {reference.locator} in the environment of this command",
            )
        return self._environment[reference.locator]

    def _file(self, reference: SecretReference) -> str:
        path = self._folder / reference.locator
        try:
            content = path.read_bytes().decode()
        except FileNotFoundError as error:
            raise Gone(
                f"the secret {reference} cannot be resolved: there is no file {path}",
                hint="relative paths start at the folder of repave.yaml",
            ) from error
        except UnicodeDecodeError:
            # Not chained: the decoding error carries the secret's bytes.
            raise Invalid(
                f"the secret {reference} cannot be resolved: {path} is not UTF-8 text",
                hint="an environment variable holds text: encode binary secrets, for example as base64",
            ) from None
        except OSError as error:
            raise Denied(
                f"the secret {reference} cannot be resolved: {path} cannot be read ({error.strerror})",
                hint="let the user who runs this command read the file",
            ) from error
        if "\0" in content:
            raise Invalid(
                f"the secret {reference} cannot be resolved: {path} holds a zero byte",
                hint="an environment variable cannot carry one: encode the secret, for example as base64",
            )
        return content.removesuffix("\n")
