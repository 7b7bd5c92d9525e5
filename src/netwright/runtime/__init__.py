"""Where evaluations run and where their records are kept."""

from netwright.runtime.executors import Done, InlineExecutor
from netwright.runtime.memory_store import MemoryStore
from netwright.runtime.process_pool import ProcessPool
from netwright.runtime.run_folder import RunFolder
from netwright.runtime.simulated_cluster import SimulatedCluster
from netwright.runtime.sqlite_store import SqliteStore

__all__ = ["Done", "InlineExecutor", "MemoryStore", "ProcessPool", "RunFolder", "SimulatedCluster", "SqliteStore"]
