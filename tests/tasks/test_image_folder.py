"""Folders of images by class, as people have them on their disks."""

import numpy as np
import pytest
from PIL import Image

from netwright.core.errors import DataError, InvalidInput
from netwright.tasks import load


def save(path, colour=(200, 30, 30), size=(8, 6), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


def fill(folder, classes=("cat", "dog"), n=5, **options):
    for place, name in enumerate(classes):
        for i in range(n):
            save(folder / name / f"{i}.png", **({"colour": (40 * place, i, 0)} | options))


def rows(task):
    return np.concatenate([part.inputs for part in (task.train, task.validation, task.test)])


def test_classes_are_the_subfolders(tmp_path):
    fill(tmp_path / "pets")
    task = load(str(tmp_path / "pets"))
    assert task.name == "pets"
    assert task.classes == ("cat", "dog")
    assert task.input_shape == (3, 6, 8)  # height before width
    assert task.train.inputs.dtype == np.uint8
    assert task.notes[0] == "10 images in 2 class folders."
    for part in (task.train, task.validation, task.test):
        assert (part.inputs[:, 0, 0, 0] == 40 * part.targets).all()


def test_grey_pictures_have_one_channel_and_a_mix_has_three(tmp_path):
    fill(tmp_path, mode="L", colour=77)
    task = load(str(tmp_path))
    assert task.input_shape == (1, 6, 8)
    assert (rows(task) == 77).all()
    save(tmp_path / "cat" / "colour.png", (1, 2, 3))
    mixed = load(str(tmp_path))
    assert mixed.input_shape == (3, 6, 8)
    assert sorted(set(rows(mixed)[:, :, 0, 0].ravel())) == [1, 2, 3, 77]


def test_palettes_transparency_and_bilevel_are_read(tmp_path):
    fill(tmp_path)
    save(tmp_path / "cat" / "palette.png", 3, mode="P")
    save(tmp_path / "cat" / "clear.png", (9, 9, 9, 0), mode="RGBA")
    save(tmp_path / "dog" / "bits.png", 1, mode="1")
    assert rows(load(str(tmp_path))).shape == (13, 3, 6, 8)


def test_grey_of_sixteen_bits_is_not_cut_off(tmp_path):
    for name, value in (("dark", 2_560), ("light", 51_200)):
        for i in range(5):
            path = tmp_path / name / f"{i}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.full((6, 8), value, np.uint16)).save(path)
    task = load(str(tmp_path))
    assert task.input_shape == (1, 6, 8)
    assert sorted(set(rows(task).ravel())) == [10, 200]


def test_files_deeper_down_count_and_hidden_and_other_ones_do_not(tmp_path):
    fill(tmp_path)
    save(tmp_path / "cat" / "more" / "x.JPG")
    save(tmp_path / ".cache" / "x.png")
    save(tmp_path / "dog" / ".thumbnail.png")
    (tmp_path / "dog" / "notes.txt").write_text("not an image")
    (tmp_path / "readme.md").write_text("neither")
    task = load(str(tmp_path))
    assert task.classes == ("cat", "dog")
    assert len(rows(task)) == 11


def test_other_sizes_become_the_most_common_one(tmp_path):
    fill(tmp_path)
    save(tmp_path / "cat" / "large.png", size=(30, 40))
    save(tmp_path / "dog" / "wide.png", size=(50, 10))
    task = load(str(tmp_path))
    assert task.input_shape == (3, 6, 8)
    assert task.notes[1] == ("2 images of 2 other size(s) were resized to the most common one, 8x6 (width x height).")


def test_photographs_that_all_differ_in_size_become_the_median(tmp_path):
    for name in ("cat", "dog"):
        for i in range(5):
            save(tmp_path / name / f"{i}.png", size=(10 + i, 20 + i))
    task = load(str(tmp_path))
    assert task.input_shape == (3, 22, 12)
    assert "resized to the median width and height, 12x22" in task.notes[1]


def test_pictures_are_made_smaller_where_they_would_not_fit_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("netwright.tasks.image_folder._MOST_BYTES", 3 * 10 * 100)
    fill(tmp_path, size=(40, 10))
    task = load(str(tmp_path))
    assert task.input_shape == (3, 5, 20)
    assert "a size at which all fit into" in task.notes[1]
    assert rows(task).nbytes <= 3 * 10 * 100


def test_train_and_test_folders_stay_apart(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "test", n=2)
    task = load(str(tmp_path))
    assert len(task.test) == 4
    assert len(task.train) + len(task.validation) == 10
    # A validation folder joins the training images where there is a test folder …
    fill(tmp_path / "val", n=1)
    joined = load(str(tmp_path))
    assert len(joined.train) + len(joined.validation) == 12
    assert "the images of the validation folder joined those of train" in joined.notes[1]


def test_a_validation_folder_is_the_test_part_where_there_is_no_other(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "valid", n=3)
    task = load(str(tmp_path))
    assert len(task.test) == 6
    assert "the validation folder is the test part" in task.notes[1]


def test_a_class_of_the_test_folder_alone_is_refused(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "test", classes=("cat", "fox"))
    with pytest.raises(DataError, match=r"the test part has labels that the train part lacks: 'fox'"):
        load(str(tmp_path))


def test_all_broken_files_are_named(tmp_path):
    fill(tmp_path)
    (tmp_path / "cat" / "empty.png").touch()
    (tmp_path / "cat" / "text.jpg").write_text("no picture")
    whole = (tmp_path / "dog" / "0.png").read_bytes()
    (tmp_path / "dog" / "short.png").write_bytes(whole[: len(whole) - 30])
    with pytest.raises(DataError) as caught:
        load(str(tmp_path))
    text = str(caught.value)
    assert text.startswith("3 image files can't be read; remove or repair them:")
    for name in ("cat/empty.png: UnidentifiedImageError", "cat/text.jpg", "dog/short.png: "):
        assert name in text.replace("\\", "/")


def test_folders_without_images_by_class_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"needs one subfolder for each class with images in it, but .* has nothing"):
        load(str(tmp_path))
    save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"has a.png and no such images"):
        load(str(tmp_path))
    (tmp_path / "train" / "cat").mkdir(parents=True)
    with pytest.raises(DataError, match=r"no images in the class folders of '.*train'"):
        load(str(tmp_path))


def test_folders_take_no_target_and_no_regression(tmp_path):
    fill(tmp_path)
    with pytest.raises(InvalidInput, match=r"folders name the classes, but got 'cat'"):
        load(str(tmp_path), target="cat")
    with pytest.raises(InvalidInput, match=r"a folder of images by class is a classification task"):
        load(str(tmp_path), kind="regression")


def test_a_folder_named_like_a_known_data_set_is_reached_by_a_path(tmp_path, monkeypatch):
    fill(tmp_path / "digits")
    monkeypatch.chdir(tmp_path)
    assert load("./digits").classes == ("cat", "dog")
    assert len(load("digits").classes) == 10
