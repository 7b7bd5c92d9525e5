"""Interpreters of a space that need torch: `build`, `cost`, `source`, drawings."""

from netwright.models.build import Built, build, build_call, built
from netwright.models.cost import cost, cost_of, n_parameters
from netwright.models.deploy import deployed, standardised
from netwright.models.export import export_onnx, export_source
from netwright.models.outline import LayerRow, outline
from netwright.models.profile import profile
from netwright.models.source import source_of

__all__ = [
    "Built",
    "LayerRow",
    "build",
    "build_call",
    "built",
    "cost",
    "cost_of",
    "deployed",
    "export_onnx",
    "export_source",
    "n_parameters",
    "outline",
    "profile",
    "source_of",
    "standardised",
]
