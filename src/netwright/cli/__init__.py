"""The command line: `netwright search`, `resume`, `show`, `report`, `export`, `profile`, `list`, `bench`."""

from netwright.cli.entry import main

__all__ = ["main"]
