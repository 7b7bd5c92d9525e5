"""Mirrors of modules full of classes: `mirror.Name(...)` is a deferred call of `module.Name`.

`netwright.nn` mirrors `torch.nn`, `netwright.layers` mirrors the library's own layers. Neither needs torch.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from netwright.core.errors import unknown
from netwright.spaces.nodes import Call

__all__ = ["Deferred", "Mirror"]


@dataclass(frozen=True, slots=True)
class Deferred:
    """A class of a mirrored module; calling it writes the call down, and uncalled it stands for the class itself."""

    target: str

    def __call__(self, *args: Any, **kwargs: Any) -> Call:
        return Call(self.target, args, kwargs)

    @property
    def name(self) -> str:
        """The bare name of the class."""
        return self.target.rpartition(":")[2]

    def __repr__(self) -> str:
        return f"<deferred {self.target.replace(':', '.')}>"


class Mirror:
    """Stands for a module whose classes are called later.

    Args:
        module: the mirrored module.
        names: names that are known without importing it; others are looked up in the module itself.
    """

    def __init__(self, module: str, names: str) -> None:
        self._module = module
        self._names = frozenset(names.split())
        self.__doc__ = f"`{module}`, deferred: each call is written down and made when an arch is built."

    def __getattr__(self, name: str) -> Deferred:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._names:
            module = importlib.import_module(self._module)
            if not isinstance(getattr(module, name, None), type):
                classes = [n for n in dir(module) if isinstance(getattr(module, n), type)] or sorted(self._names)
                message = unknown(f"{self._module} class", name, classes).args[0].partition(" Available")[0]
                raise AttributeError(message)
        return Deferred(f"{self._module}:{name}")

    def __dir__(self) -> list[str]:
        return sorted(self._names)

    def __reduce__(self) -> tuple[type[Mirror], tuple[str, str]]:
        return Mirror, (self._module, " ".join(sorted(self._names)))


nn = Mirror(
    "torch.nn",
    """
    AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AlphaDropout AvgPool1d
    AvgPool2d AvgPool3d BatchNorm1d BatchNorm2d BatchNorm3d Bilinear CELU ChannelShuffle ConstantPad1d ConstantPad2d
    Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d Dropout Dropout1d Dropout2d Dropout3d ELU
    Embedding EmbeddingBag Flatten Fold GELU GLU GRU GroupNorm Hardshrink Hardsigmoid Hardswish Hardtanh Identity
    InstanceNorm1d InstanceNorm2d LPPool2d LSTM LayerNorm LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d LazyConv1d
    LazyConv2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d LazyInstanceNorm1d
    LazyInstanceNorm2d LazyLinear LeakyReLU Linear LogSoftmax MaxPool1d MaxPool2d MaxPool3d Mish Module ModuleDict
    ModuleList MultiheadAttention PReLU PixelShuffle PixelUnshuffle RMSNorm RNN ReLU ReLU6 ReflectionPad1d
    ReflectionPad2d ReplicationPad1d ReplicationPad2d SELU Sequential SiLU Sigmoid Softmax Softplus Softsign Tanh
    TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer Unflatten Unfold Upsample
    ZeroPad1d ZeroPad2d
    """,
)

layers = Mirror(
    "netwright.models.layers",
    "Cell CellStack ConvNormReLU Destandardise FactorizedReduce From GlobalAveragePool GlobalMaxPool Highway "
    "InvertedResidual LastStep LockedDropout NB101Cell NB201Reduction OutputBias PatchEmbedding ReLUConvNorm "
    "RecurrentCell Residual ResidualBlock RowColumnConv RowsAsSteps SelfAttention SeparableConv SqueezeExcitation "
    "Standardise TiedDecoder TokenEmbedding TransformerBlock TransformerEncoder",
)
