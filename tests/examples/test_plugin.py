"""The example plug-in works: as its entry point says, without an edit of netwright, and as a real package."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

CHECK = textwrap.dedent(
    """
    import numpy as np
    from netwright.core import Arch, History, Objective, Record
    from netwright.core.registry import methods

    assert "one_plus_one" in list(methods), list(methods)
    assert "one-plus-one" in methods  # as people type it
    assert methods.summary("one_plus_one").startswith("Mutate the best")
    strategy = methods["one_plus_one"]().strategy


    class Line:  # as much of a space as this strategy asks for: the numbers 0 to 9
        def sample(self, rng):
            return Arch({"x": int(rng.integers(10))})

        def mutate(self, arch, rng):
            return Arch({"x": (arch["x"] + int(rng.choice([-1, 1]))) % 10})


    history = History([Objective("error")])
    for number in range(40):
        candidate = strategy.propose(Line(), history, np.random.default_rng((0, number)))
        assert candidate.id == number
        history.add(Record(number, candidate.arch, parent=candidate.parent, losses=(abs(candidate.arch["x"] - 7),)))
    assert history.best.arch == Arch({"x": 7})
    """
)


def _run(arguments: list[str], **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_entry_point_is_found(root, tmp_path):
    """Its folder on the path, with the metadata that an installation would write."""
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11's tomllib")
    project = tomllib.loads((root / "examples" / "plugin" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = tmp_path / "netwright_plugin-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = configparser.ConfigParser()
    points.read_dict(project["entry-points"])
    with (metadata / "entry_points.txt").open("w", encoding="utf-8") as file:
        points.write(file)
    folders = [tmp_path, root / "examples" / "plugin" / "src", root / "src"]
    _run(["-c", CHECK], PYTHONPATH=os.pathsep.join(map(str, folders)))


@pytest.mark.slow
def test_the_wheel_and_the_plugin_install_into_a_clean_environment(root, tmp_path):
    """Nothing of the checkout is used: the wheel, the command, the plug-in, in a fresh virtual environment.

    The packages that netwright needs come from the environment of this test (torch is large); that they are declared
    is what tests/gates/test_dependencies.py holds.
    """
    pytest.importorskip("build", reason="needs the extra `dev`: pip install -e '.[dev]'")
    wheels = tmp_path / "wheels"
    for folder in (root, root / "examples" / "plugin"):
        _run(["-m", "build", "--outdir", str(wheels), str(folder)])  # the sdist too, and the wheel from it
    venv = tmp_path / "venv"
    _run(["-m", "venv", "--without-pip", str(venv)])
    python = next(path for path in (venv / "bin" / "python", venv / "Scripts" / "python.exe") if path.exists())
    _run(["-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", *map(str, wheels.glob("*.whl"))])
    site = subprocess.check_output([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True)
    packages = {str(Path(module.__file__).parents[1]) for module in (pytest, pytest.importorskip("torch"))}
    (Path(site.strip()) / "lent.pth").write_text("\n".join(sorted(packages)))

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    where = run(str(python), "-c", "import netwright; print(netwright.__file__)")
    assert str(venv) in where
    assert (Path(where.strip()).parent / "py.typed").exists()
    run(str(python), "-c", CHECK)
    command = str(python.parent / "netwright")
    assert "search" in run(command, "--help")
    assert "one_plus_one" in run(command, "list").replace("-", "_")
    run(command, "search", "digits", "--method", "one_plus_one", "--budget", "3 candidates, 30s", "--out", "found")
    assert (tmp_path / "found").is_dir()
