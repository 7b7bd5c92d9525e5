"""The data sets that have a name: from scikit-learn, and from original files that these tests write themselves."""

import gzip
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest

from netwright.core import registry
from netwright.core.errors import DataError
from netwright.tasks import load
from netwright.tasks.places import read_cifar_batch, read_idx
from netwright.tasks.zoo import images


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Nothing of this machine is found but what a test writes, and nothing is fetched."""
    monkeypatch.setenv("NETWRIGHT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(images, "_DEBIAN_FASHION", tmp_path / "debian")
    (tmp_path / "data").mkdir()


@pytest.mark.parametrize(
    ("name", "kind", "n", "shape", "n_outputs"),
    [
        ("digits", "classification", 1797, (1, 8, 8), 10),
        ("wine", "classification", 178, (13,), 3),
        ("breast-cancer", "classification", 569, (30,), 2),
        ("diabetes", "regression", 442, (10,), 1),
        ("blobs", "classification", 300, (4,), 3),
        ("stripes", "classification", 600, (1, 8, 8), 3),
    ],
)
def test_the_small_ones_are_there_without_a_network(name, kind, n, shape, n_outputs):
    task = load(name)
    assert (task.kind, task.input_shape, task.n_outputs) == (kind, shape, n_outputs)
    assert sum(map(len, (task.train, task.validation, task.test))) == n
    assert task.name == name.replace("-", "_")
    assert (load(name, seed=1).test.inputs != task.test.inputs).any()
    assert task.encoder.transform(task.test.inputs).shape == task.test.inputs.shape


def test_labels_and_features_have_their_names():
    assert load("wine").feature_names[0] == "alcohol"
    assert load("breast_cancer").classes == ("benign", "malignant")
    assert load("digits").classes == tuple(range(10))
    assert not load("digits").flip  # a mirrored digit is no digit


def test_every_name_is_registered_with_a_sentence_and_takes_the_same_options():
    assert set(registry.tasks) >= {"digits", "wine", "breast_cancer", "diabetes", "mnist", "fashion_mnist", "cifar10"}
    for name in registry.tasks:
        assert registry.tasks.summary(name).endswith((".", ")"))


def idx(values):
    return b"\0\0\x08" + bytes([values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def write_idx(folder, *, n=50, n_test=10, zipped=True, dots=False, seed=0):
    rng = np.random.default_rng(seed)
    parts = {
        "train-images-idx3-ubyte": rng.integers(0, 256, (n, 28, 28), dtype=np.uint8),
        "train-labels-idx1-ubyte": (np.arange(n) % 10).astype(np.uint8),
        "t10k-images-idx3-ubyte": rng.integers(0, 256, (n_test, 28, 28), dtype=np.uint8),
        "t10k-labels-idx1-ubyte": (np.arange(n_test) % 10).astype(np.uint8),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in parts.items():
        file = folder / (name.replace("-idx", ".idx") if dots else name)
        if zipped:
            file.with_name(file.name + ".gz").write_bytes(gzip.compress(idx(values)))
        else:
            file.write_bytes(idx(values))
    return list(parts.values())


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("mnist", "data/mnist"),
        ("mnist", "data/MNIST/raw"),
        ("mnist", "data"),
        ("mnist", "cache/netwright/mnist"),
        ("fashion-mnist", "data/fashion-mnist"),
        ("fashion_mnist", "data/FashionMNIST/raw"),
        ("fashion-mnist", "debian"),
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_original_files_are_found_where_people_keep_them(tmp_path, name, place, zipped):
    pixels, _, held, held_labels = write_idx(tmp_path / place, zipped=zipped, dots=not zipped)
    task = load(name)
    assert task.input_shape == (1, 28, 28)
    assert task.train.inputs.dtype == np.uint8
    assert (task.test.inputs[:, 0] == held).all()
    got = np.concatenate([task.train.inputs, task.validation.inputs])[:, 0]
    assert sorted(got.reshape(50, -1).tolist()) == sorted(pixels.reshape(50, -1).tolist())
    assert task.notes[0].endswith("from its original files, with the official test part.")
    if "fashion" in name:
        assert task.flip
        names = task.encoder.decode(task.test.targets)
        assert names[0] == "T-shirt/top"
        assert names[9] == "Ankle boot"
    else:
        assert task.encoder.decode(task.test.targets).tolist() == held_labels.tolist()


def test_the_files_of_one_data_set_are_not_taken_for_the_other(tmp_path):
    write_idx(tmp_path / "data" / "fashion-mnist")
    with pytest.raises(DataError, match=r"mnist isn't on this machine"):
        load("mnist")
    write_idx(tmp_path / "data" / "mnist", n=40)
    assert len(load("mnist").train) + len(load("mnist").validation) == 40


def test_incomplete_or_strange_files_are_said(tmp_path):
    folder = tmp_path / "data" / "mnist"
    write_idx(folder)
    (folder / "train-images-idx3-ubyte.gz").rename(folder / "elsewhere")
    with pytest.raises(DataError, match=r"mnist isn't on this machine"):
        load("mnist")
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(np.zeros((49, 28, 28), np.uint8))))
    with pytest.raises(DataError, match=r"X has 49 examples, but y has 50"):
        load("mnist")
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(np.zeros((50, 28, 28), np.uint8))))
    labels = np.full(50, 26, np.uint8)
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    with pytest.raises(DataError, match=r"mnist must have the labels 0\.\.9, but the files found hold a 26"):
        load("mnist")


def test_idx_files_are_checked(tmp_path):
    path = tmp_path / "x"
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    path.write_bytes(idx(values))
    assert (read_idx(path) == values).all()
    assert read_idx(path).flags.writeable
    for content, message in [
        (idx(values)[:-1], r"is cut short or too long for its shape \(2, 3, 4\)"),
        (idx(values)[:9], r"is cut short"),
        (b"", r"must be an idx file of bytes, but starts with b''"),
        (b"\0\0\x0d\1" + bytes(8), r"must be an idx file of bytes"),
    ]:
        path.write_bytes(content)
        with pytest.raises(DataError, match=message):
            read_idx(path)
    zipped = tmp_path / "y.gz"
    whole = gzip.compress(idx(values))
    for content in (b"not zipped", whole[:-12], whole[:15] + b"\xff\xff" + whole[17:]):
        zipped.write_bytes(content)
        with pytest.raises(DataError, match=r"y.gz"):
            read_idx(zipped)


def test_only_the_ten_thousand_digits(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "data" / "mnist_10k.npz", x=rng.integers(0, 256, (100, 28, 28), np.uint8), y=np.arange(100) % 10
    )
    task = load("mnist")
    assert "only 10,000 of the 70,000 digits were found" in task.notes[0]
    assert [len(part) for part in (task.train, task.validation, task.test)] == [64, 16, 20]


def cifar_batch(n, seed, labels=None):
    data = np.random.default_rng(seed).integers(0, 256, (n, 3072), dtype=np.uint8)
    content = {
        b"data": data,
        b"labels": [int(i) % 10 for i in range(n)] if labels is None else labels,
        b"filenames": [],
    }
    dumped = pickle.dumps(content, protocol=2)
    return data, dumped.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def test_cifar_from_its_original_batches(tmp_path):
    folder = tmp_path / "data" / "cifar-10-batches-py"
    folder.mkdir()
    pixels = []
    for place, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        data, dumped = cifar_batch(20, place)
        pixels.append(data)
        (folder / name).write_bytes(dumped)
    task = load("cifar10")
    assert task.input_shape == (3, 32, 32)
    assert task.flip
    assert (task.test.inputs == pixels[5].reshape(-1, 3, 32, 32)).all()
    assert len(task.train) + len(task.validation) == 100
    assert task.encoder.decode([0, 1, 2, 3]).tolist()[:1] == [task.classes[0]]
    labels = task.encoder.decode(task.test.targets)
    assert labels[:2].tolist() == ["airplane", "automobile"]


class Evil:
    def __reduce__(self):
        return (print, ("this must never run",))


def test_a_pickle_that_wants_more_than_arrays_is_refused(tmp_path, capsys):
    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps({b"data": Evil(), b"labels": []}))
    with pytest.raises(DataError, match=r"can't be read as a batch of CIFAR-10: the file asks for \w+\.print"):
        read_cifar_batch(path)
    assert capsys.readouterr().out == ""
    for content in (b"", b"garbage", pickle.dumps([1]), pickle.dumps({}), cifar_batch(2, 0)[1][:500]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"can't be read as a batch of CIFAR-10"):
            read_cifar_batch(path)


def test_cifar_from_the_jpegs_of_its_test_part(tmp_path):
    from io import BytesIO

    from PIL import Image

    files = []
    for i in range(40):
        stream = BytesIO()
        Image.new("RGB", (32, 32), (i * 6, 0, 0)).save(stream, "JPEG", quality=95)
        files.append(stream.getvalue())
    offsets = np.cumsum([0, *map(len, files)])
    data = np.frombuffer(b"".join(files), np.uint8)
    np.savez(tmp_path / "data" / "cifar10_jpeg_test.npz", data=data, offsets=offsets, labels=np.arange(40) % 10)
    task = load("cifar10")
    assert task.input_shape == (3, 32, 32)
    assert "only the 10,000 official test images were found" in task.notes[0]
    assert len(task.classes) == 10


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10"])
def test_absent_data_say_where_to_put_them_and_ask_no_network(name, monkeypatch, tmp_path):
    def refuse(*_, **__):
        pytest.fail("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refuse)
    with pytest.raises(DataError) as caught:
        load(name)
    text = str(caught.value)
    assert f"{name.replace('-', '_')} isn't on this machine: put " in text
    assert "NETWRIGHT_DATA" in text
    assert str(tmp_path / "cache") in text
    assert "`download=True`, `--download`" in text


def test_a_download_is_kept_and_a_failed_one_is_one_clear_error(tmp_path, monkeypatch):
    """The network's side is a stand-in for OpenML's server, everything else is as it is."""
    import sklearn.datasets

    asked = []

    class Found:
        data = np.random.default_rng(0).integers(0, 256, (70, 784)).astype(float)
        target = np.array([str(i % 10) for i in range(70)], dtype=object)

    def answer(**options):
        asked.append(options["data_id"])
        if len(asked) == 1:
            raise OSError("no route to host")
        return Found

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", answer)
    monkeypatch.setattr(images, "_MNIST_TRAIN", 50)
    with pytest.raises(DataError, match=r"mnist can't be downloaded from OpenML \(OSError: no route to host\)"):
        load("mnist", download=True)
    task = load("mnist", download=True)
    assert task.train.inputs.dtype == np.uint8
    assert (task.test.inputs.reshape(20, -1) == Found.data[50:]).all()
    assert (
        load("mnist").notes[0] == "mnist from OpenML, with the official test part."
    )  # from the cache, not asked again
    assert asked == [554, 554]
    assert [path.name for path in (tmp_path / "cache" / "netwright").iterdir()] == ["mnist.npz"]


def test_tasks_load_nothing_heavy():
    heavy = ("torch", "pandas", "sklearn", "scipy", "PIL", "plotly")
    code = f"import sys, netwright.tasks; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.shared_data
def test_the_real_digits_and_photographs(shared_data, monkeypatch):
    monkeypatch.setenv("NETWRIGHT_DATA", str(shared_data))
    digits = load("mnist")
    assert sum(map(len, (digits.train, digits.validation, digits.test))) == 10_000
    assert digits.input_mean[0] == pytest.approx(33.3, abs=1)
    photographs = load("cifar10")
    assert photographs.input_shape == (3, 32, 32)
    assert photographs.input_mean == pytest.approx([125, 123, 114], abs=3)
