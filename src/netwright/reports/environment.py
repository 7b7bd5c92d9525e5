"""`environment`: the versions and the machine that a result came from. No names of hosts or people, no paths."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["environment"]

_PACKAGES = ("netwright", "torch", "numpy", "scikit-learn")


def environment() -> dict[str, str]:
    """What a result may depend on, by name. Imports nothing heavy.

    Example:
        >>> list(environment())
        ['netwright', 'torch', 'numpy', 'scikit-learn', 'Python', 'processor', 'cores', 'memory', 'system']
    """
    found = {name: _version(name) for name in _PACKAGES}
    found["Python"] = f"{platform.python_version()} ({platform.python_implementation()})"
    found["processor"] = _processor()
    found["cores"] = _cores()
    found["memory"] = _memory()
    found["system"] = _system()
    return found


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed as a package"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.lower().startswith("model name"):
                return f"{line.partition(':')[2].strip()} ({platform.machine()})"
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine() or "unknown"


def _cores() -> str:
    total = os.cpu_count() or 0
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else total
    return str(total) if usable == total else f"{usable} of {total} usable"


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return "unknown"
    return f"{total / 2**30:.1f} GiB"


def _system() -> str:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:  # not Linux
        name = ""
    return f"{name} ({platform.system()})" if name else f"{platform.system()} {platform.release()}"
