"""The elastic spaces: what is published of their networks, and what makes their paths slices of one another."""

from __future__ import annotations

import pytest
import torch

from netwright import Arch
from netwright.core.errors import InvalidInput
from netwright.core.registry import spaces
from netwright.models import cost
from netwright.models.layers import InvertedResidual, SelfAttention, TransformerEncoder
from netwright.reports.model_drawing import model_drawing
from netwright.spaces.rounding import rounded_channels
from netwright.testing import check_networks

IMAGENET = (3, 224, 224)


def _extreme(space, pick):
    """The arch of the smallest (`min`) or largest (`max`) value of each decision."""
    decisions = {}
    for decision in space.decisions:
        if decision.active(decisions):
            decisions[decision.name] = pick(decision.domain.grid(2))
    return Arch(decisions)


def _macs(space, arch, shape):
    found = cost(space, arch, input_shape=shape, n_outputs=1000)
    return found["params"], found["flops"] / 2


class TestMobileNetV3:
    def test_published_figures_of_the_largest_and_the_number_of_networks(self):
        """Cai et al. 2020: more than 10^19 networks in 7.7 million parameters (section 3.2)."""
        space = spaces["mobilenet_v3"](input_shape=IMAGENET)
        assert space.size() == sum((3 * 3) ** depth for depth in (2, 3, 4)) ** 5
        params, macs = _macs(space, _extreme(space, max), IMAGENET)
        assert (params, round(macs / 1e6)) == (7_664_760, 566)
        smallest = _macs(space, _extreme(space, min), IMAGENET)
        assert (smallest[0], round(smallest[1] / 1e6)) == (3_410_792, 121)

    def test_a_published_network(self):
        """`note8_lat@31ms_top1@72.8` of the authors' model zoo; its figures are those of mmrazor's table."""
        kernels = [(5, 3), (5, 5), (3, 3, 5), (3, 5, 7), (3, 3, 5, 5)]
        expansions = [(3, 3), (4, 3), (4, 4, 4), (4, 3, 4), (6, 3, 3, 3)]
        decisions = {f"depth{i}": len(stage) for i, stage in enumerate(kernels, 1)}
        for name, stages in (("kernel", kernels), ("expansion", expansions)):
            decisions |= {f"{name}{i}.{j}": v for i, stage in enumerate(stages, 1) for j, v in enumerate(stage, 1)}
        space = spaces["mobilenet_v3"](input_shape=(3, 152, 152))
        space.validate(Arch(decisions))
        params, macs = _macs(space, Arch(decisions), (3, 152, 152))
        assert params == pytest.approx(4.6e6, rel=0.01)
        assert macs == pytest.approx(105.4e6, rel=0.06)  # there activations and normalisations are counted too

    def test_every_block_has_what_mobilenet_v3_has(self):
        space = spaces["mobilenet_v3"](input_shape=IMAGENET)
        model = space.build(_extreme(space, max), input_shape=IMAGENET, n_outputs=1000, device="meta")
        blocks = [module for module in model.modules() if isinstance(module, InvertedResidual)]
        assert len(blocks) == 21
        assert [b.project.out_channels for b in blocks] == [16] + [w for w in (24, 40, 80, 112, 160) for _ in range(4)]
        assert [b.excitation is not None for b in blocks[1::4]] == [False, True, False, True, True]
        kinds = [type(b.activation).__name__ for b in blocks[1::4]]
        assert kinds == ["ReLU", "ReLU", "Hardswish", "Hardswish", "Hardswish"]
        assert [b.depthwise.stride[0] for b in blocks[1::4]] == [2, 2, 2, 1, 2]
        assert [b.adds for b in blocks[:9]] == [True, False, True, True, True, False, True, True, True]

    def test_what_can_be_told_apart(self):
        space = spaces["mobilenet_v3"](input_shape=(1, 28, 28), multipliers=(0.5, 1.0), squeeze="choice", depths=(1, 2))
        names = [decision.name for decision in space.decisions]
        assert {"multiplier", "squeeze1", "squeeze3", "depth3", "kernel3.2"} <= set(names)
        small, large = (_extreme(space, pick) for pick in (min, max))
        check_networks(space, [small, large], input_shape=(1, 28, 28), n_outputs=10)
        params = [cost(space, arch, input_shape=(1, 28, 28), n_outputs=10)["params"] for arch in (small, large)]
        assert params[0] < params[1] / 8
        never = spaces["mobilenet_v3"](input_shape=(1, 28, 28), squeeze="never", widths=(16, 32))
        model = never.build(input_shape=(1, 28, 28), n_outputs=10, device="meta")
        assert all(block.excitation is None for block in model.modules() if isinstance(block, InvertedResidual))
        assert "depth3" not in never.default()

    def test_the_toy_takes_small_images_at_full_resolution(self):
        space = spaces["mobilenet_v3"](input_shape=(1, 28, 28))
        model = space.build(input_shape=(1, 28, 28), n_outputs=10)
        assert model[0].stride == (1, 1)
        assert model[:-4](torch.zeros(2, 1, 28, 28)).shape == (2, 240)

    def test_what_is_out_of_range_is_named(self):
        with pytest.raises(
            InvalidInput,
            match=r"`kernels` must be odd numbers, but are \(2,\)(.|\n)*`depths` must be .* but are \(3, 2\)"
            r"(.|\n)*`squeeze` must be one of published, choice, never, but is 'always'",
        ):
            spaces["mobilenet_v3"](kernels=(2,), depths=(3, 2), squeeze="always")
        with pytest.raises(InvalidInput, match=r"`expansions` must be at least 1(.|\n)*`widths` must be the channels"):
            spaces["mobilenet_v3"](expansions=(), widths=(8,), multipliers=())

    @pytest.mark.parametrize(
        ("channels", "rounded"), [(1, 8), (11, 16), (12, 16), (19.2, 24), (40 * 1.2, 48), (67, 64)]
    )
    def test_channels_come_in_multiples_of_eight(self, channels, rounded):
        assert rounded_channels(channels) == rounded


class TestTransformers:
    def test_published_figures_of_deit_tiny(self):
        """Touvron et al. 2021: 5,717,416 parameters, of which a class token and its position are not here."""
        space = spaces["vision_transformer"](
            input_shape=IMAGENET, widths=(192,), heads=(3,), ratios=(4.0,), depths=(12, 12)
        )
        params, macs = _macs(space, space.default(), IMAGENET)
        assert params + 2 * 192 == 5_717_416
        assert macs == pytest.approx(1.25e9, rel=0.01)

    def test_the_real_scale(self):
        """The values of AutoFormer-tiny's supernet."""
        space = spaces["vision_transformer"](input_shape=IMAGENET)
        sizes = [_macs(space, _extreme(space, pick), IMAGENET)[0] / 1e6 for pick in (min, max)]
        assert sizes == pytest.approx([5.27, 10.41], abs=0.01)

    def test_heads_are_chosen_apart_from_the_width(self):
        space = spaces["vision_transformer"](input_shape=(1, 8, 8), widths=(20,), heads=(1, 3), head_width=8)
        arch = _extreme(space, max)
        attention = next(
            m for m in space.build(arch, input_shape=(1, 8, 8), n_outputs=2).modules() if isinstance(m, SelfAttention)
        )
        assert attention.query.weight.shape == (24, 20)
        assert attention.output.weight.shape == (20, 24)

    def test_fewer_heads_are_the_first_ones_whole(self):
        """Prefix slices of all four layers give the attention whose other heads say nothing."""
        x = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0))
        large, small = SelfAttention(6, 3, head_width=4), SelfAttention(6, 2, head_width=4)
        with torch.no_grad():
            for name in ("query", "key", "value"):
                getattr(small, name).weight.copy_(getattr(large, name).weight[:8])
                getattr(small, name).bias.copy_(getattr(large, name).bias[:8])
            small.output.weight.copy_(large.output.weight[:, :8])
            small.output.bias.copy_(large.output.bias)
            large.output.weight[:, 8:] = 0
            assert torch.allclose(large(x), small(x), atol=1e-6)

    def test_attention_is_that_of_torch(self):
        x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
        ours, theirs = SelfAttention(8, 2, head_width=4), torch.nn.MultiheadAttention(8, 2, batch_first=True)
        mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
        parts = (ours.query, ours.key, ours.value)
        with torch.no_grad():
            theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
            theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
            theirs.out_proj.weight.copy_(ours.output.weight)
            theirs.out_proj.bias.copy_(ours.output.bias)
            expected, _ = theirs(x, x, x, key_padding_mask=~mask)
            assert torch.allclose(ours(x, mask), expected, atol=1e-6)

    def test_padding_changes_nothing(self):
        space = spaces["text_transformer"](input_shape=(6,), vocabulary=9)
        model = space.build(input_shape=(6,), n_outputs=3).eval()
        short = torch.tensor([[4, 8, 2]])
        with torch.no_grad():
            alone, filled = model(short), model(torch.tensor([[4, 8, 2, 0, 0, 0], [1, 2, 3, 4, 5, 6]]))[:1]
            other = model(torch.tensor([[4, 8, 2, 1, 0, 0]]))
            nothing = model(torch.zeros(1, 6, dtype=torch.int64))
        assert torch.allclose(alone, filled, atol=1e-6)
        assert not torch.allclose(alone, other, atol=1e-3)
        assert bool(nothing.isfinite().all())
        plain = spaces["text_transformer"](input_shape=(6,), vocabulary=9, padding=None)
        encoder = plain.build(input_shape=(6,), n_outputs=3)[0]
        assert isinstance(encoder, TransformerEncoder)
        assert encoder.mask is None

    def test_a_text_model_can_be_drawn(self):
        space = spaces["text_transformer"](input_shape=(6,), vocabulary=9, depths=(1, 1))
        drawing = model_drawing(space.build(input_shape=(6,), n_outputs=3), (6,))
        types = [layer.type for layer in drawing.layers]
        assert {"Embedding", "LayerNorm", "Linear", "Attention"} <= set(types)
        assert types.count("PaddingMask") == types.count("SequenceMean") == 1

    def test_what_is_out_of_range_is_named(self):
        with pytest.raises(
            InvalidInput,
            match=r"`heads` must be whole numbers of at least 1, but are \(0,\)(.|\n)*`dropout` must be in \[0, 1\)"
            r"(.|\n)*`input_shape` must be \(length,\), but is \(3, 4\)(.|\n)*`vocabulary` must be at least 2",
        ):
            spaces["text_transformer"](input_shape=(3, 4), vocabulary=1, heads=(0,), dropout=1.0)
        with pytest.raises(
            InvalidInput, match=r"`ratios` must be above 0(.|\n)*`patch` must be in 1\.\.8, .* but is 9"
        ):
            spaces["vision_transformer"](input_shape=(1, 8, 8), patch=9, ratios=(-1,), depths=(0, 1), head_width=0)


class TestSlimmableMlp:
    def test_widths_are_shares(self):
        space = spaces["slimmable_mlp"](width=64, slims=(0.25, 1.0), depths=(1, 2))
        assert space.size() == 3 * (2 + 4)
        model = space.build(_extreme(space, max), input_shape=(16,), n_outputs=2)
        assert [m.out_features for m in model.modules() if isinstance(m, torch.nn.Linear)] == [64, 64, 2]

    def test_one_width_for_all_layers(self):
        space = spaces["slimmable_mlp"](together=True, input_shape=(2, 3, 4))
        assert {decision.name for decision in space.decisions} == {"depth", "width", "activation"}
        check_networks(space, [_extreme(space, min), _extreme(space, max)], input_shape=(2, 3, 4), n_outputs=2)

    def test_what_is_out_of_range_is_named(self):
        with pytest.raises(InvalidInput, match=r"`width` must(.|\n)*`slims` must be shares(.|\n)*`depths` must be"):
            spaces["slimmable_mlp"](width=0, slims=(2.0,), depths=(0, 1))
