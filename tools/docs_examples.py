"""An extension of griffe, which reads the docstrings: `Example:` is a section of examples, as `Examples:` is."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object


class ExampleSections(Extension):
    """Without it, the prompts of an `Example:` would be set as running text."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Change the heading before the docstring is parsed."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"^(\s*)Example:$", r"\1Examples:", obj.docstring.value, flags=re.MULTILINE)
