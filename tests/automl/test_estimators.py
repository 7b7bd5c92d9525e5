"""The estimators: what they learn from, what they say, and that they go where scikit-learn's go."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_diabetes, load_digits, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from netwright import (
    ImageClassifier,
    NeuralArchitectureSearch,
    Space,
    TabularClassifier,
    TabularRegressor,
    TrainingPlan,
    choice,
    n_outputs,
    nn,
)
from netwright.core.errors import DataError, InvalidInput, NotFound, RunError

SHORT = TrainingPlan(epochs=8, batch_size=32, optimizer="adamw", lr=3e-3, weight_decay=1e-2, clip=1.0)
FOR_IMAGES = TrainingPlan(epochs=2, batch_size=32, lr=0.05)
QUICK = {"budget": "1 candidate", "plan": SHORT}
QUICK_ON_IMAGES = {"budget": "1 candidate", "plan": FOR_IMAGES, "space": "cnn"}


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.images[:300].astype(np.uint8), data.target[:300]


@pytest.fixture(scope="module")
def fitted(wine):
    return TabularClassifier(**QUICK).fit(*wine)


def weights(estimator):
    return {name: value.numpy() for name, value in estimator.result_.best.model.state_dict().items()}


class TestKindOfTask:
    def test_classes_in_a_table(self, wine, caplog):
        with caplog.at_level(logging.INFO, "netwright"):
            found = NeuralArchitectureSearch(**QUICK).fit(*wine)
        note = "taken for classification, because the target has 3 different whole numbers."
        assert found.task_.notes[0] == note
        assert note in caplog.messages
        assert is_classifier(found)
        assert found.classes_.tolist() == [0, 1, 2]
        assert found.score(*wine) == np.mean(found.predict(wine[0]) == wine[1]) > 0.8

    def test_numbers_in_a_table(self):
        X, y = load_diabetes(return_X_y=True)
        found = NeuralArchitectureSearch(**QUICK)
        assert not is_classifier(found)
        assert not is_regressor(found)
        found.fit(X[:150], y[:150])
        assert found.task_.notes[0].startswith("taken for regression, because")
        assert is_regressor(found)
        assert not hasattr(found, "classes_")
        assert found.predict(X[:3]).shape == (3,)
        assert found.score(X[:150], y[:150]) <= 1

    def test_images(self, digits):
        found = NeuralArchitectureSearch(**QUICK_ON_IMAGES).fit(*digits)
        assert found.task_.modality == "image"
        assert any("8x8 grey images" in note for note in found.task_.notes)
        assert not hasattr(found, "n_features_in_")
        assert found.predict(digits[0][:5]).shape == (5,)

    def test_is_named_if_the_rule_is_wrong_for_the_data(self, wine):
        X, y = wine
        found = NeuralArchitectureSearch(**QUICK, kind="regression")
        assert is_regressor(found)
        assert not hasattr(found, "predict_proba")
        found.fit(X, y)
        assert found.task_.notes[0] == "regression, as asked for."
        assert found.predict(X[:2]).dtype == np.float64

    def test_another_fit_forgets_the_first_one(self, wine, digits):
        X, y = wine
        found = NeuralArchitectureSearch(**QUICK).fit(pd.DataFrame(X).add_prefix("x"), y)
        assert found.n_features_in_ == 13
        assert len(found.feature_names_in_) == 13
        found.set_params(**QUICK_ON_IMAGES).fit(*digits)
        assert not hasattr(found, "n_features_in_")
        assert not hasattr(found, "feature_names_in_")
        found.set_params(**QUICK, space="mlp").fit(X, y / 7)
        assert not hasattr(found, "classes_")

    def test_unknown(self, wine):
        with pytest.raises(NotFound, match="unknown kind of task 'clasification': did you mean 'classification'"):
            NeuralArchitectureSearch(kind="clasification").fit(*wine)


class TestPrediction:
    def test_is_what_the_probabilities_say(self, fitted, wine):
        shares = fitted.predict_proba(wine[0])
        assert shares.shape == (178, 3)
        assert np.allclose(shares.sum(axis=1), 1)
        assert np.array_equal(fitted.predict(wine[0]), fitted.classes_[shares.argmax(axis=1)])

    def test_of_a_row_does_not_depend_on_the_other_rows(self, fitted, wine):
        X, _ = wine
        one_by_one = np.concatenate([fitted.predict_proba(X[i : i + 1]) for i in range(20)])
        assert np.allclose(one_by_one, fitted.predict_proba(X)[:20], rtol=1e-6, atol=0)

    @pytest.mark.parametrize("labels", [["no", "yes", "maybe"], [-1.0, 1.0, 5.0], [10, 20, -3]])
    def test_gives_the_labels_that_came(self, wine, labels):
        X, y = wine
        named = np.array(labels)[y]
        found = TabularClassifier(**QUICK).fit(X, named)
        assert found.classes_.tolist() == sorted(labels)
        assert found.predict(X).dtype == named.dtype
        assert found.score(X, named) > 0.8

    def test_of_true_and_false(self, wine):
        X, y = wine
        found = TabularClassifier(**QUICK).fit(X, y == 0)
        assert found.classes_.tolist() == [False, True]
        assert found.predict(X[:1]).tolist() == [True]

    def test_of_several_numbers(self):
        X = np.random.default_rng(0).normal(size=(60, 3))
        found = TabularRegressor(**QUICK).fit(X, np.column_stack([X[:, 0], 100 * X[:, 1]]))
        assert found.predict(X).shape == (60, 2)
        assert not hasattr(found, "predict_proba")
        assert TabularRegressor(**QUICK).fit(X, X[:, :1]).predict(X).shape == (60,)

    def test_needs_a_fit(self):
        with pytest.raises(NotFittedError, match="TabularRegressor instance is not fitted yet"):
            TabularRegressor().predict([[1.0]])
        assert not hasattr(TabularRegressor(), "task_")


class TestTables:
    def test_of_text_dates_and_gaps(self):
        rng = np.random.default_rng(0)
        table = pd.DataFrame(
            {
                "size": rng.choice(["small", "large"], 80),
                "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, 80), "D"),
                "weight": np.where(rng.random(80) < 0.2, np.nan, rng.normal(size=80)),
            }
        )
        found = TabularClassifier(**QUICK).fit(table, table["size"] == "large")
        assert found.feature_names_in_.tolist() == ["size", "day", "weight"]
        assert found.n_features_in_ == 3
        assert any("text columns became one input for each value: size" in note for note in found.task_.notes)
        with pytest.raises(ValueError, match="feature names should match those that were passed during fit"):
            found.predict(table.rename(columns={"day": "date"}))

    def test_a_column_of_categories_is_classes(self, wine):
        X, y = wine
        found = NeuralArchitectureSearch(**QUICK).fit(X, pd.Series(y * 1.5).astype("category"))
        assert "the target is text or categories" in found.task_.notes[0]

    def test_tensors(self, wine, fitted):
        X, y = (torch.tensor(values) for values in wine)
        again = TabularClassifier(**QUICK).fit(X, y)
        assert np.array_equal(again.predict(X.bfloat16()), fitted.predict(X.bfloat16().float().numpy()))

    def test_are_no_images(self, digits):
        with pytest.raises(ValueError, match="Found array with dim 3"):
            TabularClassifier(**QUICK).fit(*digits)

    def test_too_small(self):
        with pytest.raises(ValueError, match=r"Found array with 3 sample.* a minimum of 4 is required"):
            TabularRegressor(**QUICK).fit(np.ones((3, 2)), [1, 2, 3])
        with pytest.raises(DataError, match="needs at least 4 examples, but X has n_samples=3"):
            TabularRegressor(**QUICK).fit(pd.DataFrame({"a": [1, 2, 3]}), [1, 2, 3])


class TestImages:
    def test_of_a_dataset_of_pairs(self, digits):
        pairs = torch.utils.data.TensorDataset(torch.tensor(digits[0]), torch.tensor(digits[1]))
        found = ImageClassifier(**QUICK_ON_IMAGES).fit(pairs)
        assert np.array_equal(found.predict(pairs), found.predict(digits[0]))

    def test_are_mirrored_if_that_keeps_their_meaning(self, digits):
        assert ImageClassifier(**QUICK_ON_IMAGES, flip=True).fit(*digits).task_.flip

    def test_with_channels_last(self, digits):
        X = np.repeat(digits[0][..., None], 3, axis=-1)
        found = ImageClassifier(**QUICK_ON_IMAGES).fit(X, digits[1])
        assert found.task_.input_shape == (3, 8, 8)
        assert found.predict(X[:2]).shape == (2,)
        with pytest.raises(DataError, match=r"one example must have shape \(8, 8, 3\)"):
            found.predict(np.moveaxis(X, -1, 1)[:2])

    def test_rows_of_pixels(self, digits):
        rows = digits[0].reshape(-1, 64)
        with pytest.raises(DataError, match=r"needs images.*but got X of shape \(300, 64\): reshape rows of pixels"):
            ImageClassifier().fit(rows, digits[1])
        with pytest.raises(DataError, match="needs images, but X is a table"):
            ImageClassifier().fit(pd.DataFrame(rows), digits[1])

    def test_with_gaps(self, digits):
        X = digits[0].astype(np.float32)
        X[0, 0, 0] = np.nan
        with pytest.raises(ValueError, match="Input X contains NaN"):
            ImageClassifier().fit(X, digits[1])

    def test_too_few(self, digits):
        with pytest.raises(DataError, match="needs at least 4 examples, but X has n_samples=3"):
            ImageClassifier().fit(digits[0][:3], digits[1][:3])


class TestWhatIsAskedFor:
    @pytest.mark.parametrize("seed", [-1, 1.5, None, True, "0"])
    def test_seed(self, wine, seed):
        with pytest.raises(InvalidInput, match="`seed` must be a whole number of at least 0, but got"):
            TabularClassifier(**QUICK, seed=seed).fit(*wine)

    def test_numpys_integers_are_whole_numbers_too(self, wine, fitted):
        assert np.array_equal(
            TabularClassifier(**QUICK, seed=np.int64(0)).fit(*wine).predict_proba(wine[0]),
            fitted.predict_proba(wine[0]),
        )

    def test_share_of_the_test_part(self, wine):
        assert len(TabularClassifier(**QUICK, test_share=0.4).fit(*wine).task_.test) == 71
        with pytest.raises(InvalidInput, match=r"`test_share` must be between 0 and 1, but got 1\.5"):
            TabularClassifier(**QUICK, test_share=1.5).fit(*wine)

    def test_own_test_part(self, wine):
        X, y = wine
        found = TabularClassifier(**QUICK).fit(X[::2], y[::2], test=(X[1::2], y[1::2]))
        sizes = found.result_.facts["data"]["sizes"]
        assert sizes["train"] + sizes["validation"] == len(X[::2])
        assert found.result_.best.metrics["accuracy"] == pytest.approx(found.score(X[1::2], y[1::2]))

    def test_target_as_the_name_of_a_column(self):
        table = pd.DataFrame({"a": range(9), "b": range(9)})
        with pytest.raises(DataError, match=r"is the text 'b'.*y=table\['b'\]"):
            NeuralArchitectureSearch().fit(table, "b")

    def test_no_target(self):
        with pytest.raises(DataError, match="ImageClassifier requires y to be passed, but the target y is None"):
            ImageClassifier().fit(np.zeros((9, 8, 8)))

    def test_limits_that_no_network_keeps(self, wine):
        space = Space(nn.Sequential(nn.LazyLinear(choice([8, 16])), nn.ReLU(), nn.LazyLinear(n_outputs)))
        searched = TabularClassifier(**QUICK, space=space, method="grid", constraints="params<=10")
        with pytest.raises(RunError, match=r"there is no trained network: .*2 of 2 candidates break a limit"):
            searched.fit(*wine)
        assert not hasattr(searched, "result_")

    def test_a_budget_in_time(self, wine):
        found = TabularClassifier("3s").fit(*wine)
        assert found.result_.best.model is not None
        assert found.score(*wine) > 0.8

    def test_verbose(self, wine, monkeypatch, capsys):
        monkeypatch.setattr(logging.getLogger("netwright"), "propagate", False)
        TabularClassifier(**QUICK, verbose=True).fit(*wine)
        told = capsys.readouterr()
        assert not told.out
        assert "classification, as asked for." in told.err
        assert "candidate 0: " in told.err


class TestTheSameAgain:
    def test_to_the_bit_for_a_seed(self, wine):
        first = NeuralArchitectureSearch("3 candidates", plan=SHORT, method="random", seed=3)
        second, other = clone(first), clone(first).set_params(seed=4)
        for estimator in (first, second, other):
            estimator.fit(*wine)
        assert first.result_.history.records == second.result_.history.records
        assert first.result_.best.metrics == second.result_.best.metrics
        assert weights(first).keys() == weights(second).keys()
        assert all(np.array_equal(value, weights(second)[name]) for name, value in weights(first).items())
        assert first.result_.history.records != other.result_.history.records

    def test_after_pickling(self, fitted, wine, tmp_path):
        text = pickle.dumps(fitted)
        again = pickle.loads(text)
        assert np.array_equal(again.predict_proba(wine[0]), fitted.predict_proba(wine[0]))
        assert again.get_params() == fitted.get_params()
        assert again.classes_.tolist() == fitted.classes_.tolist()
        assert len(again.task_.train) == 0
        assert len(fitted.task_.train) > 100
        assert again.task_.notes == fitted.task_.notes
        assert [path.name for path in again.result_.export(tmp_path / "model.py")] == ["model.py", "model.pt"]
        assert again.result_.report(tmp_path / "report.html").exists()
        assert np.array_equal(pickle.loads(pickle.dumps(again)).predict(wine[0]), fitted.predict(wine[0]))

    def test_of_a_folder_that_holds_the_search(self, wine, fitted, tmp_path):
        first = TabularClassifier(**QUICK, out=tmp_path / "run").fit(*wine)
        again = clone(first).fit(*wine)
        assert np.array_equal(first.predict_proba(wine[0]), again.predict_proba(wine[0]))
        assert np.array_equal(pickle.loads(pickle.dumps(again)).predict(wine[0]), fitted.predict(wine[0]))
        with pytest.raises(RunError, match="holds another search"):
            clone(first).fit(wine[0][:100], wine[1][:100])


class TestInScikitLearn:
    def test_grid_search(self, wine):
        searched = NeuralArchitectureSearch(
            **QUICK, kind="classification"
        )  # named beforehand: the folds are stratified
        found = GridSearchCV(searched, {"space": ["mlp"], "seed": np.arange(2)}, cv=2, scoring="accuracy").fit(*wine)
        assert found.best_score_ > 0.7
        assert found.best_estimator_.result_.best.metrics["accuracy"] > 0.5

    def test_cross_validation(self, wine):
        assert cross_val_score(TabularClassifier(**QUICK), *wine, cv=3).mean() > 0.8
        shares = cross_val_score(TabularClassifier(**QUICK), *wine, cv=2, scoring="neg_log_loss")
        assert np.isfinite(shares).all()

    def test_pipeline(self):
        X, y = load_diabetes(return_X_y=True)
        line = make_pipeline(StandardScaler(), TabularRegressor(**QUICK)).fit(X[:200], y[:200])
        assert line.score(X[:200], y[:200]) > 0
        assert line[-1].n_features_in_ == 10

    def test_is_imported_only_when_an_estimator_is_asked_for(self):
        code = """
import sys
import netwright.automl
assert "sklearn" not in sys.modules
assert "TabularClassifier" in dir(netwright.automl)
assert netwright.TabularClassifier is netwright.automl.TabularClassifier
assert "sklearn" in sys.modules
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
