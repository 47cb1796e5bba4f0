"""Pages become PDF by a browser of this machine that shows nothing, asks nobody, and forgets all."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from repave.ports.commands import Commands
from repave.ports.errors import CommandFailed, Gone

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
"""As Debian, Ubuntu and Google name it."""

PATIENCE_SECONDS = 600.0
"""A year of thousands of servers has hundreds of pages."""

ALONE = (
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-first-run",
    "--no-pdf-header-footer",
)
"""No address is ever resolved: the page has none, and a browser has its own."""

AS_ROOT = ("--no-sandbox",)
"""Chromium's sandbox refuses root. The page is our own, without a script, and forbids itself to load anything."""


class BrowserPrinter:
    """The printer port, by Chromium."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def print(self, page: str) -> bytes:
        """See the port."""
        browser = next((name for name in BROWSERS if self._commands.available(name)), None)
        if browser is None:
            raise Gone(
                f"a PDF is made by a browser, and there is none here: {', '.join(BROWSERS)}",
                hint="apt-get install --no-install-recommends chromium; or write .html, and print that",
            )
        with TemporaryDirectory(prefix="repave-print-") as folder:
            profile, source, made = (Path(folder) / name for name in ("profile", "page.html", "page.pdf"))
            source.write_text(page, encoding="utf-8")
            self._commands.run(
                (
                    browser,
                    *ALONE,
                    *(AS_ROOT if os.geteuid() == 0 else ()),
                    f"--user-data-dir={profile}",
                    f"--print-to-pdf={made}",
                    source.as_uri(),
                ),
                environment={"HOME": folder, "XDG_CONFIG_HOME": folder, "XDG_CACHE_HOME": folder},
                timeout_seconds=PATIENCE_SECONDS,
            )
            if not made.is_file():
                raise CommandFailed(
                    (browser,), exit_code=0, stderr="it wrote no page", hint="write .html, and print that"
                )
            return made.read_bytes()
