"""How far cheap estimates can be trusted: what is compared, and what the page says of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from netwright.core import Arch, Objective, Record
from netwright.reports.estimator_quality import estimator_qualities
from netwright.reports.page import report_html
from netwright.reports.report_data import FinalTraining, ReportData

LOSS = Objective("loss")


def run(n=20, n_full=10, *, seed=0, **metrics):
    """Records of arches at a quarter of the training, the best of which went on."""
    rng = np.random.default_rng(seed)
    low, full = rng.random(n), {}
    records = [Record(i, Arch({"x": i}), 0.25, losses=(float(low[i]),)) for i in range(n)]
    for i in np.argsort(low)[:n_full].tolist():
        full[i] = float(low[i] / 2 + 0.1 * rng.random())
        own = {name: float(values[i]) for name, values in metrics.items()}
        records.append(Record(len(records), Arch({"x": i}), 1.0, i, metrics=own, losses=(full[i],)))
    return records, low, full


def test_a_low_fidelity_is_compared_with_full_trainings():
    records, low, full = run()
    (found,) = estimator_qualities(records, LOSS)
    expected = kendalltau([low[i] for i in full], list(full.values())).statistic
    assert (found.name, found.selected, found.agreement.n) == ("fidelity 0.25", True, 10)
    assert found.agreement.tau == pytest.approx(expected)


def test_a_proxy_among_the_metrics():
    records, _, full = run(nwot=np.arange(20), secret=np.arange(20), params=np.arange(20))
    names = [one.name for one in estimator_qualities(records, LOSS)]
    assert names == ["fidelity 0.25", "nwot"]
    found = estimator_qualities(records, LOSS)[1]
    assert not found.selected
    assert found.agreement.tau == pytest.approx(-kendalltau(list(full), list(full.values())).statistic)


def test_few_or_no_pairs_say_nothing():
    assert estimator_qualities(run(n_full=2)[0], LOSS) == []
    assert estimator_qualities([Record(0, Arch({"x": 1}), losses=(0.5,))], LOSS) == []


def test_repeats_count_by_their_means_and_broken_limits_not_at_all():
    records = run()[0]
    (before,) = estimator_qualities(records, LOSS)
    best = records[-1]
    again = Record(99, best.arch, 1.0, losses=(9.0,))
    (after,) = estimator_qualities([*records, again], LOSS)
    assert after.agreement.n == 10
    assert after.agreement.tau != before.agreement.tau
    broken = Record(99, best.arch, 1.0, losses=(9.0,), violation=1.0)
    assert estimator_qualities([*records, broken], LOSS)[0].agreement.n == 9


def test_the_page_has_a_section_where_there_is_something_to_say():
    page = report_html(ReportData(history=run()[0], objectives=(LOSS,)))
    assert 'id="estimators"' in page
    assert "fidelity 0.25" in page
    assert "among all arches it ranks better than this" in page
    assert 'id="estimators"' not in report_html(ReportData(history=run(n_full=0)[0], objectives=(LOSS,)))


def test_the_page_tells_both_scores_of_the_same_weights():
    final = FinalTraining({"accuracy": 0.9}, 100, same_weights=(0.95, 0.91))
    records = [Record(0, Arch({"x": 1}), metrics={"accuracy": 0.95}, losses=(-0.95,))]
    page = report_html(ReportData(history=records, objectives=(Objective("accuracy", "max"),), final=final))
    assert "95.00\u00a0% where it was chosen, 91.00\u00a0% on the test part" in page
