"""The front doors: one call from data to a trained model."""

from netwright.automl.progress import Progress, Quiet
from netwright.automl.result import Best, Result
from netwright.automl.searching import load_result, resume, search

__all__ = ["Best", "Progress", "Quiet", "Result", "load_result", "resume", "search"]
