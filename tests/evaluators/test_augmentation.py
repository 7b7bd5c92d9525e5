"""Augmentation: the fast functions against slow obvious loops over single pixels."""

from __future__ import annotations

import pytest
import torch

from netwright.evaluators.augmentation import cut_out, flipped, shifted

SHAPES = [(5, 1, 8, 8), (4, 3, 6, 9), (3, 2, 5, 4), (1, 1, 2, 7)]


def images_of(shape):
    """Images whose pixels are all different."""
    return torch.arange(1.0, 1.0 + torch.Size(shape).numel()).view(shape)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def mirrored(place, size):
    """A place outside of 0..size-1, reflected at the border pixel, one step at a time."""
    while not 0 <= place < size:
        place = -place if place < 0 else 2 * (size - 1) - place
    return place


def shifted_slowly(images, by, random):
    n, _, height, width = images.shape
    moves = torch.randint(-by, by + 1, (2, n, 1), generator=random)
    found = torch.empty_like(images)
    for i in range(n):
        for row in range(height):
            for column in range(width):
                from_row = mirrored(row + int(moves[0, i]), height)
                from_column = mirrored(column + int(moves[1, i]), width)
                found[i, :, row, column] = images[i, :, from_row, from_column]
    return found


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("by", [1, 2])
def test_shifted_is_the_slow_loop(shape, by):
    by = min(by, shape[2] - 1, shape[3] - 1)
    images = images_of(shape)
    assert torch.equal(shifted(images, by, generator()), shifted_slowly(images, by, generator()))


def test_shifted_by_more_than_an_image_can_be_is_by_as_much_as_it_can():
    images = images_of((6, 2, 3, 5))
    assert torch.equal(shifted(images, 100, generator()), shifted_slowly(images, 2, generator()))


@pytest.mark.parametrize("shape", [(3, 2, 1, 5), (3, 1, 5, 1)])
def test_images_of_one_pixel_in_a_direction_are_not_shifted(shape):
    images = images_of(shape)
    assert torch.equal(shifted(images, 2, generator()), images)


def test_shifted_by_nothing_is_the_same():
    images = images_of((3, 1, 4, 4))
    assert torch.equal(shifted(images, 0, generator()), images)


def test_every_shift_is_met_about_equally_often():
    one = torch.zeros(4_000, 1, 5, 5)
    one[:, :, 2, 2] = 1.0
    where = shifted(one, 1, generator())[:, 0].mean(dim=0)  # no border within one pixel: each keeps its single 1
    assert torch.allclose(where[1:4, 1:4], torch.full((3, 3), 1 / 9), atol=0.02)
    assert float(where.sum()) == pytest.approx(1.0)


@pytest.mark.parametrize("shape", SHAPES)
def test_flipped_is_the_slow_loop(shape):
    images = images_of(shape)
    mirror = torch.rand(shape[0], generator=generator()) < 0.5
    slow = torch.stack(
        [
            torch.stack([row.flip(0) for row in image.reshape(-1, shape[3])]).view(image.shape) if mirror[i] else image
            for i, image in enumerate(images)
        ]
    )
    assert torch.equal(flipped(images, generator()), slow)


def test_half_of_the_images_are_flipped():
    images = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2).repeat(4_000, 1, 1, 1)
    assert float(flipped(images, generator())[:, 0, 0, 1].mean()) == pytest.approx(0.5, abs=0.03)


def cut_out_slowly(images, side, random):
    n, channels, height, width = images.shape
    centres = torch.rand((2, n, 1), generator=random)
    found = images.clone()
    for i in range(n):
        top = int(float(centres[0, i] * height)) - side // 2
        left = int(float(centres[1, i] * width)) - side // 2
        for channel in range(channels):
            for row in range(height):
                for column in range(width):
                    if top <= row < top + side and left <= column < left + side:
                        found[i, channel, row, column] = 0.0
    return found


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("side", [1, 2, 3, 20])
def test_cut_out_is_the_slow_loop(shape, side):
    images = images_of(shape)
    assert torch.equal(cut_out(images, side, generator()), cut_out_slowly(images, side, generator()))


def test_the_hole_can_be_anywhere_and_is_the_same_in_all_channels():
    holes = cut_out(torch.ones(3_000, 2, 4, 4), 1, generator()) == 0
    assert torch.equal(holes[:, 0], holes[:, 1])
    assert torch.all(holes.sum(dim=(2, 3)) == 1)
    assert torch.allclose(holes[:, 0].float().mean(dim=0), torch.full((4, 4), 1 / 16), atol=0.02)


FUNCTIONS = {
    "shifted": lambda images, random: shifted(images, 2, random),
    "flipped": flipped,
    "cut_out": lambda images, random: cut_out(images, 3, random),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_what_all_of_them_hold(function, shape):
    images = images_of(shape)
    before = images.clone()
    random = torch.random.get_rng_state()
    found = function(images, generator(3))
    assert torch.equal(images, before)  # the data in memory stay as they are
    assert found.shape == images.shape
    assert found.dtype == images.dtype
    assert set(found.unique().tolist()) <= {0.0, *images.unique().tolist()}  # no pixel is made up
    assert torch.equal(found, function(images, generator(3)))
    assert torch.equal(torch.random.get_rng_state(), random)  # only its own generator is drawn from


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_generator_decides(function):
    images = images_of((8, 2, 6, 6))
    assert not torch.equal(function(images, generator(0)), function(images, generator(1)))
    random = generator(0)
    assert not torch.equal(function(images, random), function(images, random))  # it moves on


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_images_that_lie_with_their_channels_last_give_the_same(function):
    images = images_of((4, 3, 6, 8))
    last = images.to(memory_format=torch.channels_last)
    assert torch.equal(function(last, generator()), function(images, generator()))
