"""Every registered space keeps the contract, networks included; a new one is covered without a line here."""

from __future__ import annotations

import inspect

import pytest
import torch

from netwright.core.errors import InvalidInput
from netwright.core.registry import spaces
from netwright.models import cost
from netwright.testing import check_networks, check_space


def _shape(name: str) -> tuple[int, ...] | None:
    parameter = inspect.signature(spaces[name]).parameters.get("input_shape")
    return None if parameter is None else parameter.default


@pytest.mark.parametrize("name", list(spaces))
def test_registered_spaces_keep_the_contract(name):
    check_space(spaces[name](), input_shape=_shape(name), n_outputs=10, n_networks=2)


@pytest.mark.parametrize("name", list(spaces))
def test_registered_spaces_say_what_they_are(name):
    assert spaces.summary(name).endswith(".")
    space = spaces[name]()
    assert space.name == name
    assert len(space.decisions) > 1


IMAGES = ["cnn", "resnet", "nb101", "nb201"]


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 40, 200)])
def test_image_spaces_take_small_and_odd_images(name, shape):
    space = spaces[name](input_shape=shape)
    for arch in [space.default(), *space.neighbours(space.default())][:: 8 if name.startswith("nb") else 3]:
        space.build(arch, input_shape=shape, n_outputs=7, device="meta")


@pytest.mark.parametrize("name", ["cnn", "resnet"])
def test_image_spaces_take_large_images(name):
    shape = (3, 224, 224)
    space = spaces[name](input_shape=shape)
    for arch in [space.default(), *space.neighbours(space.default())][::4]:
        space.build(arch, input_shape=shape, n_outputs=1000, device="meta")
    assert space.build(input_shape=shape, n_outputs=5)(torch.zeros(2, *shape)).shape == (2, 5)


@pytest.mark.parametrize("name", IMAGES)
def test_image_spaces_refuse_what_is_no_image(name):
    for shape in [(64,), (3, 1, 1)]:
        with pytest.raises(
            InvalidInput, match=rf"`{name}` needs images of at least .* pixels, but the inputs have shape"
        ):
            spaces[name](input_shape=shape)


def test_the_default_resnet_is_small():
    space = spaces["resnet"](input_shape=(1, 28, 28))
    assert 1e5 <= cost(space, space.default(), input_shape=(1, 28, 28), n_outputs=10)["params"] <= 5e5


def test_mlp_takes_vectors_and_flattens_everything_else():
    for shape in [(1,), (13,), (4, 5), (1, 8, 8)]:
        space = spaces["mlp"](input_shape=shape)
        check_networks(space, [space.default()], input_shape=shape, n_outputs=2)
    with pytest.raises(InvalidInput, match="`max_depth` of mlp must be at least 1, but got 0"):
        spaces["mlp"](max_depth=0)


def test_the_classic_space_is_what_the_tutorials_have():
    space = spaces["cnn"](input_shape=(1, 28, 28))
    arch = space.default()
    model = space.build(arch, input_shape=(1, 28, 28), n_outputs=10)
    kinds = [type(module).__name__ for module in model.modules() if not list(module.children())]
    assert kinds.count("Conv2d") == arch["blocks"] == 3
    assert kinds.count("Linear") == arch["dense"] + 1 == 2
    assert [d.name for d in spaces["cnn"](input_shape=(1, 4, 4)).decisions].count("filters3") == 0  # two halvings only
