"""Units and crontabs keep what they say, to the letter, but for their secrets."""

import time

import pytest

from repave.operations.adopting.secrecy import tells_secret, variable_tells
from repave.operations.adopting.withholding import (
    crontab_without_secrets,
    may_stand,
    unit_without_secrets,
    variables_of,
)

UNIT = r"""[Service]
# Environment=DB_PASSWORD=hunter2
Environment="LEVEL=info \t" \
  "DB_PASSWORD=my long hunter2" A=a\x20b
Environment=DB_PASS=hunter2
Environment=DSN=postgres://shop:hunter2@localhost/shop PASSWORD_FILE=/run/password
ExecStart=/usr/bin/serve \
  --port 80
"""
LEFT = r"""[Service]
# A secret was withheld here.
# A secret was withheld here.
Environment="LEVEL=info \t"
Environment=A=a\x20b
# A secret was withheld here.
# A secret was withheld here.
Environment=PASSWORD_FILE=/run/password
ExecStart=/usr/bin/serve \
  --port 80
"""


def test_a_unit_is_told_without_its_secrets() -> None:
    """Whatever their names and quotes, in comments too; quotes and escapes of all else stay as they are."""
    told = unit_without_secrets(UNIT)
    assert (told.text, told.whole) == (LEFT, True)
    assert told.names == {"DB_PASSWORD", "DB_PASS", "DSN"}
    assert unit_without_secrets(LEFT).text == LEFT


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("0 1 * * * fetch --token hunter2", False),
        ("PGPASSWORD=hunter2", False),
        ("0 1 * * * curl -H 'Authorization: Bearer hunter2' https://example.org", False),
        ("0 1 * * * mysqldump -u root -phunter2 shop", False),
        ("@daily mysqldump -p shop", True),
        ("MAILTO=root", True),
    ],
)
def test_a_job_that_tells_a_secret_cannot_be_told(line: str, *, whole: bool) -> None:
    """What gives a value is one, what names a file or asks for it is none."""
    told = crontab_without_secrets(f"# mine\n#0 2 * * * fetch --token=hunter3\n{line}\n")
    assert told.whole is whole
    assert told.text.startswith("# mine\n# A secret was withheld here.\n")


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("[Service]\nExecStart=/usr/bin/serve\n", True),
        ("[Service]\nX-Password =\n  hunter2\n", False),
        ("[Service]\nExecStart=/usr/bin/apt-get -y upgrade\n", False),
    ],
)
def test_what_is_left_is_looked_at_as_a_whole(text: str, *, stands: bool) -> None:
    """A secret over two lines is in neither of them."""
    assert may_stand("/etc/systemd/system/a.service", unit_without_secrets(text)) is stands


def test_a_file_of_variables_has_names_and_no_more() -> None:
    """What a quoted value says over several lines is none."""
    text = '# no\nexport A=1\nKEY="-----BEGIN KEY-----\nq8Zk3Alast=\n-----END KEY-----"\n\tB = 2\n'
    assert variables_of(text) == {"A", "KEY", "B"}


@pytest.mark.parametrize(
    ("name", "value", "tells"),
    [("PASSPHRASE", "x", True), ("TOKEN", "", False), ("TOKEN", "$OTHER", False), ("COMPASS", "north", False)],
)
def test_a_variable_tells_by_its_name(name: str, value: str, *, tells: bool) -> None:
    """Where it has a value of its own."""
    assert variable_tells(name, value) is tells


@pytest.mark.parametrize("text", ["-" * 100_000, "\n" * 100_000, "curl " * 20_000, "a" * 100_000, "\\\n" * 50_000])
def test_a_strangers_file_takes_no_longer_than_it_is_long(text: str) -> None:
    """What repeats the beginning of a secret costs in proportion to its size: else it would take minutes."""
    began = time.process_time()
    tells_secret(text)
    unit_without_secrets(text)
    crontab_without_secrets(text)
    variables_of(text)
    assert time.process_time() - began < 20
