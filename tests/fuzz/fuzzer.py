"""One target under atheris, in a process of its own: ``fuzzer.py TARGET CORPUS libFuzzer's options...``."""

import sys

import atheris

with atheris.instrument_imports(include=["repave", "cvss", "tomllib", "packaging", "zipfile", "tarfile"]):
    from fuzz_targets import target_of


def main() -> None:
    """Until a crash, or the time is over."""
    target = target_of(sys.argv[1])
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target.run)
    atheris.Fuzz()


main()
