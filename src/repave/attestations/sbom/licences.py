"""Names of licences, as packages write them, to SPDX identifiers: only where both mean the same for certain.

Sources: SPDX License List; Debian's copyright-format 1.0, "License specification"; PyPI's classifiers with PEP 639.
"""

import re

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

LONGEST = 200
"""Characters: what is longer is a licence's text, no name."""

GNU = re.compile(r"(AGPL|LGPL|GPL|GFDL)(-NIV)?-?v?([1-3])(?:\.([0-9]))?(?:\.0)?(\+|-only|-or-later)?", re.IGNORECASE)
GNU_VERSIONS = {
    "AGPL": {"1.0", "3.0"},
    "GPL": {"1.0", "2.0", "3.0"},
    "LGPL": {"2.0", "2.1", "3.0"},
    "GFDL": {"1.1", "1.2", "1.3"},
}
EXCEPTED = re.compile(r"(\S+) with (\S+) exception")
WITHOUT_INVARIANTS = "-no-invariants"

OTHERS = {
    "expat": "MIT",
    "apache-2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "artistic-2": "Artistic-2.0",
    "bsd 2-clause": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "cc0": "CC0-1.0",
    "mit license": "MIT",
    "the mit license": "MIT",
    "mpl 2.0": "MPL-2.0",
    "psf-2": "PSF-2.0",
}
"""In small letters. Not here: what could mean several, as MIT/X11, BSD, Artistic or public-domain."""

CLASSIFIERS = {
    "Apache Software License": "",
    "BSD License": "",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "Eclipse Public License 1.0 (EPL-1.0)": "EPL-1.0",
    "Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
    "European Union Public Licence 1.2 (EUPL 1.2)": "EUPL-1.2",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Zope Public License": "",
    "zlib/libpng License": "Zlib",
}
"""PyPI's names after ``License :: OSI Approved ::`` and the like; empty: they name a family, no licence."""


def identifier(name: str) -> str:
    """The SPDX identifier that one name of a licence means; empty where none does for certain."""
    word = " ".join(name.split())
    if gnu := GNU.fullmatch(word):
        return _gnu(gnu)
    if other := OTHERS.get(word.lower()):
        return other
    if (excepted := EXCEPTED.fullmatch(word)) and (licence := identifier(excepted[1])):
        return expression(f"{licence} WITH {excepted[2]}")
    return word if " " not in word and not word.endswith("+") and (word := expression(word)) else ""


def expression(text: str) -> str:
    """An SPDX expression as SPDX writes it; empty for what is none."""
    if len(text) > LONGEST:
        return ""
    try:
        return str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        return ""


def combined(synopsis: str) -> str:
    """The expression for Debian's ``GPL-1+ or Artistic-2, and Expat``; empty where a part of it is not known."""
    clauses = re.split(r",\s*(and|or)\s+", synopsis)
    if len(set(clauses[1::2])) > 1:
        return ""  # the format gives these no order
    read = [_clause(clause) for clause in clauses[::2]]
    if not all(read):
        return ""
    if len(read) == 1:
        return read[0]
    operator = f" {clauses[1].upper()} "
    return expression(operator.join(f"({clause})" if " " in clause else clause for clause in read))


def _clause(text: str) -> str:
    """Licences joined by words without a comma: ``and`` binds closer than ``or``, in both notations."""
    words = re.split(r"\s+(and|or)\s+", text.strip())
    words[::2] = [identifier(name) for name in words[::2]]
    if not all(words):
        return ""
    return expression(" ".join(word.upper() if word in {"and", "or"} else word for word in words))


def _gnu(match: re.Match[str]) -> str:
    family = match[1].upper()
    version = f"{match[3]}.{match[4] or 0}"
    if version not in GNU_VERSIONS[family] or (match[2] and family != "GFDL"):
        return ""
    later = "-or-later" if match[5] in {"+", "-or-later"} else "-only"
    return f"{family}-{version}{WITHOUT_INVARIANTS if match[2] else ''}{later}"
