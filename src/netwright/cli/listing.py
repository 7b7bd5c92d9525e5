"""`netwright list`: what can be named on the command line."""

from __future__ import annotations

import shutil
import textwrap

from netwright.cli.output import json_text
from netwright.core import registry
from netwright.core.errors import unknown

__all__ = ["list_names", "print_version"]

_GROUPS = {
    "spaces": registry.spaces,
    "methods": registry.methods,
    "tasks": registry.tasks,
    "benchmarks": registry.benchmarks,
    "stopping": registry.stopping,
    "proxies": registry.proxies,
}
_HEAVY = ("stopping", "proxies")  # groups that need torch: listed when they are asked for


def print_version() -> int:
    """Print the version of netwright."""
    from netwright import __version__

    print(f"netwright {__version__}")
    return 0


def list_names(group: str | None, *, as_json: bool = False) -> int:
    """Print the registered names of one group, or of all that need no torch, with a line about each.

    Raises:
        NotFound: if there is no such group.
    """
    if group is not None and group not in _GROUPS:
        raise unknown("group", group, _GROUPS)
    groups = [group] if group else [name for name in _GROUPS if name not in _HEAVY]
    if as_json:
        print(json_text({name: {item: _GROUPS[name].summary(item) for item in _GROUPS[name]} for name in groups}))
        return 0
    width = shutil.get_terminal_size().columns
    column = max((len(item) for name in groups for item in _GROUPS[name]), default=0)
    for place, name in enumerate(groups):
        print(f"{'' if place == 0 else chr(10)}{name}:")
        for item in _GROUPS[name]:
            lines = textwrap.wrap(_GROUPS[name].summary(item), max(30, width - column - 4)) or [""]
            print(f"  {item:<{column}}  {lines[0]}".rstrip())
            for line in lines[1:]:
                print(" " * (column + 4) + line)
    return 0
