#!/usr/bin/python3
"""Makes the golden captures: pcaps/CASE/{case.txt, config.toml, in.pcap, events.toml, expected/}.

usage: make.py [DIR]    DIR is where the cases go; default: beside this file

What a case sends and what is expected of each of its frames is stated in oracle/cases/*.py, in the words of the product,
and built with scapy. Nothing here reads a byte of the program that is tested. The same script makes the same bytes: no
clock, no randomness, no network. Needs Debian's python3-scapy.
"""
import sys

sys.dont_write_bytecode = True

import importlib
import pathlib
import pkgutil
import shutil

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from oracle import cases
from oracle.case import Case


def all_cases():
    """Every case, in order of name. Each module of oracle/cases has functions named case_*, one case each."""
    found = {}
    for info in sorted(pkgutil.iter_modules(cases.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"oracle.cases.{info.name}")
        for name, function in vars(module).items():
            if not name.startswith("case_"):
                continue
            case = function()
            assert isinstance(case, Case), f"{name} returns no case"
            assert case.name not in found, f"two cases named {case.name}"
            found[case.name] = case
    return [found[name] for name in sorted(found)]


def main():
    out = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else HERE
    out.mkdir(parents=True, exist_ok=True)
    made = all_cases()
    for stale in out.iterdir():
        if (stale / "case.txt").exists():
            shutil.rmtree(stale)
    for case in made:
        case.write(out / case.name)
    print(f"{len(made)} cases")


if __name__ == "__main__":
    main()
