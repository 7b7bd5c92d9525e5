"""What is learned: data split once, the loss, and how outputs become metrics and labels. Needs numpy only."""

from netwright.tasks.task import Split, Task

__all__ = ["Split", "Task"]
