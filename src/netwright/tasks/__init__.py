"""What is learned: data split once, the loss, and how outputs become metrics and labels. Needs numpy only."""

from netwright.tasks.encoder import Encoder
from netwright.tasks.files import load
from netwright.tasks.from_data import task_from
from netwright.tasks.task import Split, Task

__all__ = ["Encoder", "Split", "Task", "load", "task_from"]
