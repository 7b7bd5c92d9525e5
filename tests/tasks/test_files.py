"""Tasks by name and from files: what is read, and what is said when it can't be."""

import numpy as np
import pandas as pd
import pytest

from netwright.core.errors import DataError, InvalidInput, MissingDependency, NotFound
from netwright.tasks import load

X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
Y = np.arange(60) % 3


@pytest.fixture
def table():
    return pd.DataFrame(X, columns=list("abcd")).assign(
        colour=["red", "blue"] * 30, grower=np.array(["x", "y", "z"])[Y]
    )


@pytest.mark.parametrize("names", [("x", "y"), ("X", "y"), ("X", "Y"), ("x_train", "y_train"), ("X_train", "y_train")])
def test_arrays_in_an_npz(tmp_path, names):
    path = tmp_path / "measured.npz"
    np.savez(path, **dict(zip(names, (X, Y), strict=True)))
    task = load(str(path))
    assert task.name == "measured"
    assert (task.classes, task.input_shape) == ((0, 1, 2), (4,))
    assert len(task.train) + len(task.validation) + len(task.test) == 60


def test_an_npz_with_a_fixed_test_part_and_something_else(tmp_path):
    path = tmp_path / "fixed.npz"
    np.savez(path, x_train=X, y_train=Y, x_test=X[:5], y_test=Y[:5], made_by="someone")
    task = load(str(path))
    assert (task.test.inputs == X[:5]).all()
    assert task.notes[-1] == "not used: made_by."


def test_the_targets_of_an_npz_may_have_any_name(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, x=X, price=np.linspace(0, 1, 60))
    assert load(str(path), target="price").kind == "regression"
    with pytest.raises(NotFound, match=r"unknown key of the targets 'prize': did you mean 'price'"):
        load(str(path), target="prize")
    with pytest.raises(DataError, match=r"d.npz must have the keys x and y, or x_train and y_train .* has x, price"):
        load(str(path))
    np.savez(path, x_train=X, y_train=Y)
    with pytest.raises(InvalidInput, match=r"d.npz names its targets 'y_train', but got target='price'"):
        load(str(path), target="price")


def test_broken_npz_files_are_refused(tmp_path):
    path = tmp_path / "broken.npz"
    np.savez_compressed(path, x=X, y=Y)
    whole = path.read_bytes()
    middle = bytearray(whole)
    middle[60:90] = bytes(30)
    for content in (b"", b"no archive at all", whole[: len(whole) // 2], bytes(middle)):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"broken.npz can't be read as .npz"):
            load(str(path))
    with path.open("wb") as file:
        np.save(file, X)  # an array under the wrong name
    with pytest.raises(DataError, match=r"broken.npz can't be read as .npz"):
        load(str(path))
    np.savez(path, x=np.array([{"a": 1}], dtype=object), y=np.array([1]))
    with pytest.raises(DataError, match=r"broken.npz can't be read as .npz without pickles"):
        load(str(path))


@pytest.mark.parametrize("ending", ["csv", "CSV", "parquet"])
def test_tables_with_a_target(tmp_path, table, ending):
    path = tmp_path / f"wines.{ending}"
    if ending == "parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False)
    task = load(str(path), target="grower")
    assert task.name == "wines"
    assert task.classes == ("x", "y", "z")
    assert task.feature_names == ("a", "b", "c", "d", "colour=blue", "colour=red")
    again = task.encoder.transform(table.drop(columns="grower"))
    assert again[:, :4] == pytest.approx(X)


def test_a_table_needs_a_target_that_it_has(tmp_path, table):
    path = tmp_path / "wines.csv"
    table.to_csv(path, index=False)
    with pytest.raises(
        DataError, match=r"wines.csv has the columns a, b, c, d, colour, grower: say which is the target"
    ):
        load(str(path))
    with pytest.raises(NotFound, match=r"unknown target column 'growr': did you mean 'grower'"):
        load(str(path), target="growr")


def test_the_row_numbers_that_pandas_writes_are_left_out(tmp_path, table):
    path = tmp_path / "wines.csv"
    table.sort_values("grower").reset_index(drop=True).to_csv(path)  # with its index, which would give the class away
    task = load(str(path), target="grower")
    assert not any(name.startswith("Unnamed") for name in task.feature_names)
    assert task.notes[-1] == "left out: 'Unnamed: 0', as it only numbers the rows."
    read = pd.read_csv(path).drop(columns="grower")
    assert (task.encoder.transform(read) == task.encoder.transform(read.drop(columns="Unnamed: 0"))).all()


@pytest.mark.parametrize(("separator", "decimal"), [(";", ","), (";", "."), ("\t", "."), (",", ".")])
def test_columns_separated_otherwise(tmp_path, separator, decimal):
    path = tmp_path / "t.csv"
    rows = [f"{i}.5,{'ab'[i % 2]}" for i in range(40)]
    swapped = [row.replace(",", separator).replace(".", decimal) for row in ["size,grower", *rows]]
    path.write_text("\n".join(swapped), encoding="utf-8")
    task = load(str(path), target="grower")
    assert task.n_outputs == 2
    assert task.input_shape == (1,)


@pytest.mark.parametrize("name", ["broken.csv", "broken.parquet"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe\x80PAR1", b'a,b\n1,2,3,4\n"'])
def test_broken_tables_are_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        load(str(tmp_path / name), target="a")


def test_missing_packages_are_named_with_their_install_line(tmp_path, table, monkeypatch):
    import sys

    table.to_csv(tmp_path / "t.csv")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependency, match=r'reading t.csv needs pandas: pip install "netwright\[frame\]"'):
        load(str(tmp_path / "t.csv"), target="grower")
    (tmp_path / "images" / "cat").mkdir(parents=True)
    (tmp_path / "images" / "cat" / "1.png").touch()
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingDependency, match=r'reading images needs Pillow: pip install "netwright\[images\]"'):
        load(str(tmp_path / "images"))


def test_the_kind_and_the_seed_are_passed_on(tmp_path, table):
    path = tmp_path / "n.csv"
    table.assign(n=Y).to_csv(path, index=False)
    assert load(str(path), target="n").kind == "classification"
    assert load(str(path), target="n", kind="regression").kind == "regression"
    first, other = (load(str(path), target="n", seed=seed).test.inputs for seed in (0, 1))
    assert (first != other).any()


def test_a_home_folder_may_be_written_short(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.savez(tmp_path / "d.npz", x=X, y=Y)
    assert load("~/d.npz").name == "d"


def test_what_is_not_there_is_said_with_the_nearest_name(tmp_path):
    np.savez(tmp_path / "flowers.npz", x=X, y=Y)
    with pytest.raises(DataError, match=r"no file or folder '.*flwers.npz'\. Did you mean 'flowers.npz'\?"):
        load(str(tmp_path / "flwers.npz"))
    with pytest.raises(DataError, match=r"no file or folder .*: the folder '.*nowhere' doesn't exist"):
        load(str(tmp_path / "nowhere" / "x.csv"))
    with pytest.raises(
        NotFound, match=r"unknown data set, file or folder 'digts': did you mean 'digits'.*Available: blobs"
    ):
        load("digts")
    (tmp_path / "letter.docx").touch()
    with pytest.raises(DataError, match=r"a data file must be one of .npz, .csv, .parquet, but got 'letter.docx'"):
        load(str(tmp_path / "letter.docx"))


def test_data_are_not_a_path():
    with pytest.raises(InvalidInput, match=r"load\(\) takes a name or a path, but got a list: use task_from\(\)"):
        load([[1.0, 2.0]])


def test_a_known_name_takes_no_target_and_no_other_kind():
    with pytest.raises(InvalidInput, match=r"'wine' has its own, but got target='grower'"):
        load("wine", target="grower")
    with pytest.raises(InvalidInput, match=r"'wine' is a classification task, but got kind='regression'"):
        load("wine", kind="regression")
