"""Write constraints.txt: the exact versions, in the environment that runs this, of all that the extra `dev` pulls in.

    python tools/freeze_constraints.py > constraints.txt

Packages that the environment holds by chance don't get in: only the closure of pyproject.toml's requirements does.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import tomllib
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HEADER = """\
# Exact versions of everything that the tests, the docs and the checks need, as tested on Python 3.11.
# Written by tools/freeze_constraints.py; pyproject.toml holds the ranges. Use: pip install -c constraints.txt ...
"""


def closure(requirements: list[Requirement]) -> dict[str, str]:
    """Every installed package that these requirements lead to: name → version, without a local build tag."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(requirement, "") for requirement in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            sys.exit(f"{name} is required but not installed here: pip install -e '.[dev]' first.")
        found[name] = installed.version.partition("+")[0]  # torch's 2.13.0+cpu is 2.13.0 elsewhere
        for of_extra in ("", *sorted(requirement.extras)):
            if (name, of_extra) not in seen:
                seen.add((name, of_extra))
                waiting += [(Requirement(text), of_extra) for text in installed.requires or ()]
    return found


def main() -> None:
    """Print the file."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    requirements = [Requirement(text) for text in texts]
    found = closure([requirement for requirement in requirements if requirement.name != project["name"]])
    print(HEADER + "\n".join(f"{name}=={version}" for name, version in sorted(found.items())))


if __name__ == "__main__":
    main()
