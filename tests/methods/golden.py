"""What each method proposes on a fixed table: `python tests/methods/golden.py` writes golden.json anew.

A change of it is a change of what users' seeds give: say so in the changelog.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path

from netwright import Space, choice, nn
from netwright.core.errors import InvalidInput
from netwright.core.registry import methods
from netwright.loop import Search

FILE = Path(__file__).with_name("golden.json")
SPACE = Space({f"c{i}": choice(list("abcde")) for i in range(6)})
# The same decisions in networks, for methods that accept nothing else; they are never built.
LAYERS = {letter: nn.LazyLinear(8) for letter in "abcde"}
WIDTHS = dict(zip("abcde", (8, 16, 24, 32, 40), strict=True))
NETWORKS = [
    Space(nn.Sequential(*[choice(LAYERS, label=f"c{i}") for i in range(6)])),
    Space(nn.Sequential(*[nn.LazyLinear(choice(WIDTHS, label=f"c{i}")) for i in range(6)])),
]
# Another package's next version may propose something else; what a model finds most promising may hang on the last
# digit, which differs between processors.
OTHERS = (
    "optuna_",
    "asha",
    "bananas",
    "bayesian",
    "bohb",
    "brp_nas",
    "expected_hypervolume",
    "random_forest",
    "weak_nas",
    "auto",
)
OPTIONS = {"population": 10, "tournament": 4}  # where a method has them: so that forty candidates show what it does


def own() -> list[str]:
    """The methods whose proposals are ours to keep."""
    return [name for name in methods if not name.startswith(OTHERS)]


def loss(candidate, context):
    """Whole numbers: no rounding may differ between machines."""
    places = ["abcde".index(str(value)) for value in candidate.arch.values()]
    if places[0] == 4:
        raise ValueError("too wide")
    return {"loss": float(sum((place - i % 5) ** 2 for i, place in enumerate(places)) + 3 * (places[1] == places[2]))}


def accepted(method, spaces, **options):
    """The first of the spaces that a method accepts, and its recipe there."""
    for space in spaces[:-1]:
        try:
            return space, method(space, **options)
        except InvalidInput:
            continue
    return spaces[-1], method(spaces[-1], **options)


def proposals(name: str) -> list[str]:
    """The first forty arches, as words, with their losses."""
    taken = inspect.signature(methods[name]).parameters
    options = {option: value for option, value in OPTIONS.items() if option in taken}
    space, recipe = accepted(methods[name], [SPACE, *NETWORKS], **options)
    records = Search(space, recipe.strategy, loss, budget="40 candidates", seed=1).run().records
    return [f"{''.join(map(str, r.arch.values()))} {r.losses[0] if r.losses else r.status}" for r in records]


if __name__ == "__main__":
    text = json.dumps({name: proposals(name) for name in own()}, indent=1)
    FILE.write_text(text + "\n", encoding="utf-8")
