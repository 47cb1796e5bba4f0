"""The address of a commit's files, as SPDX writes it: ``git+https://example.org/tool.git@COMMIT#PATH``.

Source: SPDX Specification 2.3, 7.7 (package download location).
"""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from repave.ports.errors import Invalid

ADDRESS = re.compile(r"git\+(?P<url>(?:https|ssh|file)://[^#\s]+)@(?P<commit>[0-9a-f]{40})(?:#(?P<path>\S+))?")


@dataclass(frozen=True, kw_only=True)
class GitAddress:
    """A commit of a repository, or a folder in it."""

    url: str
    commit: str
    path: str = ""

    @classmethod
    def parse(cls, address: str) -> Self:
        """Raises Invalid for what is no such address."""
        found = ADDRESS.fullmatch(address)
        if found is None:
            raise Invalid(f"{address} names no commit", hint="as git+https://example.org/tool.git@COMMIT")
        return cls(url=found["url"], commit=found["commit"], path=unquote(found["path"] or ""))

    @property
    def scheme(self) -> str:
        """How the repository is reached."""
        return urlsplit(self.url).scheme

    def __str__(self) -> str:
        """As ``parse`` reads it."""
        return f"git+{self.url}@{self.commit}" + (f"#{quote(self.path)}" if self.path else "")
