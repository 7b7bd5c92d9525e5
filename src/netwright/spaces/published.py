"""Cells that papers have published, as genotypes, with the numbers of parameters that they state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from netwright.core.errors import unknown
from netwright.spaces.genotypes import Genotype, RecurrentGenotype

__all__ = ["PUBLISHED", "PUBLISHED_RECURRENT", "Published"]


@dataclass(frozen=True, slots=True)
class Published:
    """A published cell.

    Attributes:
        genotype: the cell.
        source: paper and address.
        cifar_millions: parameters that the paper states for CIFAR-10, with 36 channels and 20 cells; None where it
            states none, or for cells that it stacks otherwise than DARTS does.
        imagenet_millions: parameters that it states for ImageNet, with 48 channels and 14 cells, likewise.

    Example:
        >>> PUBLISHED["PC_DARTS_cifar"].cifar_millions
        3.6
    """

    genotype: Genotype
    source: str
    cifar_millions: float | None = None
    imagenet_millions: float | None = None


_T = TypeVar("_T")


class _Named(dict[str, _T]):
    """Says which names there are where one isn't."""

    def __missing__(self, name: Any) -> _T:
        raise unknown("published cell", name, self)


_NASNET = "Zoph et al. 2018, https://arxiv.org/abs/1707.07012"
_AMOEBA = "Real et al. 2019, https://arxiv.org/abs/1802.01548"
_PNAS = "Liu et al. 2018, https://arxiv.org/abs/1712.00559"
_DARTS = "Liu et al. 2019, https://arxiv.org/abs/1806.09055"
_GDAS = "Dong & Yang 2019, https://arxiv.org/abs/1910.04465"
_PC_DARTS = "Xu et al. 2020, https://arxiv.org/abs/1907.05737"
_PDARTS = "Chen et al. 2019, https://arxiv.org/abs/1904.12760"
_SDARTS = "Chen & Hsieh 2020, https://arxiv.org/abs/2002.05283"
_DRNAS = "Chen et al. 2021, https://arxiv.org/abs/2006.10355"

_CELLS = {
    "NASNet": Published(
        Genotype.parse(
            "Genotype(normal=[('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('sep_conv_5x5', 0), ('sep_conv_3x3', "
            "0), ('avg_pool_3x3', 1), ('skip_connect', 0), ('avg_pool_3x3', 0), ('avg_pool_3x3', 0), "
            "('sep_conv_3x3', 1), ('skip_connect', 1)], normal_concat=[2, 3, 4, 5, 6], reduce=[('sep_conv_5x5', "
            "1), ('sep_conv_7x7', 0), ('max_pool_3x3', 1), ('sep_conv_7x7', 0), ('avg_pool_3x3', 1), "
            "('sep_conv_5x5', 0), ('skip_connect', 3), ('avg_pool_3x3', 2), ('sep_conv_3x3', 2), "
            "('max_pool_3x3', 1)], reduce_concat=[4, 5, 6])"
        ),
        _NASNET,
    ),
    "AmoebaNet": Published(
        Genotype.parse(
            "Genotype(normal=[('avg_pool_3x3', 0), ('max_pool_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_5x5', "
            "2), ('sep_conv_3x3', 0), ('avg_pool_3x3', 3), ('sep_conv_3x3', 1), ('skip_connect', 1), "
            "('skip_connect', 0), ('avg_pool_3x3', 1)], normal_concat=[4, 5, 6], reduce=[('avg_pool_3x3', 0), "
            "('sep_conv_3x3', 1), ('max_pool_3x3', 0), ('sep_conv_7x7', 2), ('sep_conv_7x7', 0), "
            "('avg_pool_3x3', 1), ('max_pool_3x3', 0), ('max_pool_3x3', 1), ('conv_7x1_1x7', 0), "
            "('sep_conv_3x3', 5)], reduce_concat=[3, 4, 6])"
        ),
        _AMOEBA,
        cifar_millions=3.2,
    ),
    "PNASNet": Published(
        Genotype.parse(
            "Genotype(normal=[('sep_conv_5x5', 0), ('max_pool_3x3', 0), ('sep_conv_7x7', 1), ('max_pool_3x3', "
            "1), ('sep_conv_5x5', 1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 4), ('max_pool_3x3', 1), "
            "('sep_conv_3x3', 0), ('skip_connect', 1)], normal_concat=range(2, 7), reduce=[('sep_conv_5x5', 0), "
            "('max_pool_3x3', 0), ('sep_conv_7x7', 1), ('max_pool_3x3', 1), ('sep_conv_5x5', 1), "
            "('sep_conv_3x3', 1), ('sep_conv_3x3', 4), ('max_pool_3x3', 1), ('sep_conv_3x3', 0), "
            "('skip_connect', 1)], reduce_concat=range(2, 7))"
        ),
        _PNAS,
    ),
    "DARTS_V1": Published(
        Genotype.parse(
            "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', "
            "1), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], "
            "normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), "
            "('max_pool_3x3', 0), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), "
            "('avg_pool_3x3', 0)], reduce_concat=[2, 3, 4, 5])"
        ),
        _DARTS,
        cifar_millions=3.3,
    ),
    "DARTS_V2": Published(
        Genotype.parse(
            "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', "
            "1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], "
            "normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), "
            "('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), "
            "('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
        ),
        _DARTS,
        cifar_millions=3.3,
        imagenet_millions=4.7,
    ),
    "GDAS_V1": Published(
        Genotype.parse(
            "Genotype(normal=[('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('sep_conv_5x5', "
            "2), ('sep_conv_3x3', 3), ('skip_connect', 0), ('sep_conv_5x5', 4), ('sep_conv_3x3', 3)], "
            "normal_concat=range(2, 6), reduce=[('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('sep_conv_5x5', 2), "
            "('sep_conv_5x5', 1), ('dil_conv_5x5', 2), ('sep_conv_3x3', 1), ('sep_conv_5x5', 0), "
            "('sep_conv_5x5', 1)], reduce_concat=range(2, 6))"
        ),
        _GDAS,
        cifar_millions=3.4,
    ),
    "PC_DARTS_cifar": Published(
        Genotype.parse(
            "Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), ('dil_conv_3x3', "
            "1), ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('dil_conv_3x3', 1)], "
            "normal_concat=range(2, 6), reduce=[('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 1), "
            "('sep_conv_5x5', 2), ('sep_conv_3x3', 0), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), "
            "('sep_conv_3x3', 2)], reduce_concat=range(2, 6))"
        ),
        _PC_DARTS,
        cifar_millions=3.6,
        imagenet_millions=5.3,
    ),
    "PC_DARTS_image": Published(
        Genotype.parse(
            "Genotype(normal=[('skip_connect', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 0), ('skip_connect', "
            "1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('dil_conv_5x5', 4)], "
            "normal_concat=range(2, 6), reduce=[('sep_conv_3x3', 0), ('skip_connect', 1), ('dil_conv_5x5', 2), "
            "('max_pool_3x3', 1), ('sep_conv_3x3', 2), ('sep_conv_3x3', 1), ('sep_conv_5x5', 0), "
            "('sep_conv_3x3', 3)], reduce_concat=range(2, 6))"
        ),
        _PC_DARTS,
        imagenet_millions=5.3,
    ),
    "PDARTS": Published(
        Genotype.parse(
            "Genotype(normal=[('skip_connect', 0), ('dil_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', "
            "1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3', 0), ('dil_conv_5x5', 4)], "
            "normal_concat=range(2, 6), reduce=[('avg_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 0), "
            "('dil_conv_5x5', 2), ('max_pool_3x3', 0), ('dil_conv_3x3', 1), ('dil_conv_3x3', 1), "
            "('dil_conv_5x5', 3)], reduce_concat=range(2, 6))"
        ),
        _PDARTS,
        cifar_millions=3.4,
        imagenet_millions=4.9,
    ),
    "SDARTS_RS": Published(
        Genotype.parse(
            "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_5x5', 1), ('skip_connect', "
            "0), ('sep_conv_3x3', 3), ('skip_connect', 1), ('sep_conv_3x3', 1), ('dil_conv_3x3', 2)], "
            "normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 2), "
            "('max_pool_3x3', 0), ('dil_conv_5x5', 3), ('max_pool_3x3', 0), ('sep_conv_3x3', 2), "
            "('sep_conv_5x5', 3)], reduce_concat=range(2, 6))"
        ),
        _SDARTS,
        cifar_millions=3.4,
    ),
    "SDARTS_ADV": Published(
        Genotype.parse(
            "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', "
            "0), ('sep_conv_5x5', 0), ('dil_conv_3x3', 3), ('dil_conv_3x3', 4), ('skip_connect', 0)], "
            "normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('skip_connect', 2), "
            "('max_pool_3x3', 0), ('skip_connect', 3), ('skip_connect', 2), ('skip_connect', 2), "
            "('sep_conv_5x5', 4)], reduce_concat=range(2, 6))"
        ),
        _SDARTS,
        cifar_millions=3.3,
    ),
    "DrNAS_cifar10": Published(
        Genotype.parse(
            "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 1), ('sep_conv_3x3', "
            "2), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2), ('dil_conv_5x5', 3)], "
            "normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('dil_conv_5x5', 2), "
            "('sep_conv_5x5', 1), ('sep_conv_5x5', 1), ('dil_conv_5x5', 3), ('skip_connect', 4), "
            "('sep_conv_5x5', 1)], reduce_concat=range(2, 6))"
        ),
        _DRNAS,
        cifar_millions=4.0,
    ),
    "DrNAS_imagenet": Published(
        Genotype.parse(
            "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 0), ('sep_conv_3x3', "
            "1), ('sep_conv_3x3', 0), ('dil_conv_3x3', 3), ('skip_connect', 0), ('sep_conv_3x3', 1)], "
            "normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
            "('skip_connect', 2), ('sep_conv_3x3', 0), ('sep_conv_3x3', 2), ('sep_conv_3x3', 3), "
            "('sep_conv_3x3', 1)], reduce_concat=range(2, 6))"
        ),
        _DRNAS,
        imagenet_millions=5.7,
    ),
}

PUBLISHED = _Named(_CELLS)
"""Cells for images by name, in the order of their years."""

_RECURRENT = {
    "ENAS": "Genotype(recurrent=[('tanh', 0), ('tanh', 1), ('relu', 1), ('tanh', 3), ('tanh', 3), ('relu', 3), "
    "('relu', 4), ('relu', 7), ('relu', 8), ('relu', 8), ('relu', 8)], concat=[2, 5, 6, 9, 10, 11])",
    "DARTS_V1": "Genotype(recurrent=[('relu', 0), ('relu', 1), ('tanh', 2), ('relu', 3), ('relu', 4), "
    "('identity', 1), ('relu', 5), ('relu', 1)], concat=range(1, 9))",
    "DARTS_V2": "Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), ('identity', 1), ('tanh', 2), "
    "('sigmoid', 5), ('tanh', 3), ('relu', 5)], concat=range(1, 9))",
}

PUBLISHED_RECURRENT = _Named({name: RecurrentGenotype.parse(text) for name, text in _RECURRENT.items()})
"""Recurrent cells: of Pham et al. 2018, https://arxiv.org/abs/1802.03268, and of DARTS."""
