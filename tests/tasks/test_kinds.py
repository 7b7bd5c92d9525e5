"""The rule that tells classes from numbers, as it is stated."""

import numpy as np
import pytest

from netwright.tasks import task_from
from netwright.tasks.kinds import find_kind


@pytest.mark.parametrize(
    ("targets", "options", "kind", "why"),
    [
        (["a", "b"], {}, "classification", "text or categories"),
        ([True, False], {}, "classification", "true or false"),
        ([3, 1, 2], {"categorical": True}, "classification", "text or categories"),
        (range(20), {}, "classification", "20 different whole numbers"),
        (range(21), {}, "regression", "21 different whole numbers"),
        (range(1000), {"images": True}, "classification", "1000 different whole numbers"),
        (range(1001), {"images": True}, "regression", "1001 different whole numbers"),
        ([*range(10), 0], {"dtype": float}, "classification", r"10 different whole numbers (as floats)"),
        (range(10), {"dtype": float}, "regression", "10 different real numbers"),  # each only once
        ([*range(11), 0], {"dtype": float}, "regression", "11 different real numbers"),
        ([0.5, 0.5, 1.0], {}, "regression", "2 different real numbers"),
        ([[1, 2], [3, 4]], {}, "regression", "2 columns"),
    ],
)
def test_the_rule(targets, options, kind, why):
    dtype = options.pop("dtype", None)
    found, because = find_kind(np.array(targets, dtype=dtype), **({"categorical": False, "images": False} | options))
    assert found == kind
    assert why in because


def test_the_notes_say_what_it_was_taken_for_or_that_it_was_asked_for():
    x = np.arange(60.0).reshape(30, 2)
    taken = task_from(x, np.arange(30) % 3)
    assert taken.notes[0] == "taken for classification, because the target has 3 different whole numbers."
    asked = task_from(x, np.arange(30) % 3, kind="regression")
    assert asked.notes[0] == "regression, as asked for."
    assert asked.n_outputs == 1
