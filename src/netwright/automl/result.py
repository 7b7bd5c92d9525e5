"""`Result`: what a search gives back."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from netwright.core import Arch, Constraint, History, Record, objectives_from
from netwright.core.errors import InvalidInput, RunError
from netwright.models import Built
from netwright.oneshot.diary import FILE, Diary, diary_at
from netwright.reports import FinalTraining, ReportData, TaskFacts, summary_lines, write_report
from netwright.runtime import RunFolder
from netwright.spaces import Space
from netwright.tasks import Task

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Best", "Result", "result_of_folder"]

Array = npt.NDArray[Any]
_LEAST_ROWS = 16


@dataclass(frozen=True, slots=True)
class Best:
    """The winner.

    Attributes:
        arch: its decisions.
        record: what the search measured, on the validation part.
        model: the trained network in evaluation mode, or None where a function was searched. It takes raw inputs, as
            in the task's parts: float32 (batch, channels, height, width) or (batch, features). It gives logits
            (batch, classes), or predictions (batch, n_outputs) in the targets' own units.
        metrics: on the test part, which the search never saw; empty without a trained model.
        note: what else is to be said about its training.
    """

    arch: Arch
    record: Record
    model: nn.Module | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(slots=True)
class Result:
    """The outcome of a search, finished or not.

    Attributes:
        history: all records, with `to_frame()`.
        facts: the settings and the circumstances of the run, as plain data.
        best: the winner; None if no candidate has a result within the limits.
        final: facts of the final training, as plain data; empty if there was none.
        space, task: what was searched and learned; None where a run was loaded from its folder.
        folder: where the run is kept, if it is.
        stopped_by: why the search ended.
        seconds: of the whole search, the final training included.
        diary: what the training of shared weights left behind, where the method has one.

    Example:
        >>> import netwright
        >>> space = netwright.Space({"x": netwright.integer(0, 9)})
        >>> result = netwright.search(space, lambda arch: (arch["x"] - 3) ** 2, budget="20 candidates")
        >>> result.best.arch["x"], result.best.record.loss
        (3, 0.0)
    """

    history: History
    facts: dict[str, Any]
    best: Best | None = None
    final: dict[str, Any] = field(default_factory=dict)
    space: Space | None = None
    task: Task | None = None
    folder: Path | None = None
    stopped_by: str = ""
    seconds: float = 0.0
    running: bool = False
    diary: Diary | None = None
    built: Built | None = field(default=None, repr=False)

    @property
    def pareto(self) -> list[Record]:
        """The records that no other one beats in every objective, by the first objective."""
        return self.history.pareto()

    def predict(self, X: Any) -> Array:  # noqa: N803  # scikit-learn's name for it
        """Labels (n,), or numbers (n,) or (n, n_outputs), for examples in the form of the training data.

        Raises:
            RunError: if there is no trained model, or the task is not known (a run loaded from its folder).
        """
        outputs = self._outputs(X)
        task = self._known_task()
        if task.kind == "regression":
            return outputs[:, 0] if outputs.shape[1] == 1 else outputs
        indices = outputs.argmax(axis=1)
        return indices if task.encoder is None else task.encoder.decode(indices)

    def predict_proba(self, X: Any) -> Array:  # noqa: N803  # scikit-learn's name for it
        """Probabilities (n, classes), in the order of `task.classes`.

        Raises:
            InvalidInput: for regression.
            RunError: as `predict`.
        """
        if self._known_task().kind == "regression":
            raise InvalidInput("`predict_proba` is for classification, but this is a regression task.")
        outputs = self._outputs(X).astype(np.float64)
        raised = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))

    def _known_task(self) -> Task:
        if self.task is None:
            raise RunError("this run was loaded without its data, so new examples can't be read: use `best.model`.")
        return self.task

    def _outputs(self, X: Any) -> Array:  # noqa: N803  # scikit-learn's name for it
        import torch

        from netwright.models.example import input_dtype

        task = self._known_task()
        model = self._trained()
        inputs = np.asarray(X) if task.encoder is None else task.encoder.transform(X)
        parameter, dtype = next(model.parameters(), torch.zeros(0)), input_dtype(model)
        found = []
        with torch.inference_mode():
            for start in range(0, len(inputs), 512):
                rows = inputs[start : start + 512]
                # A few rows alone go through other routines, which round differently: the same row, the same output.
                least = len(rows) if task.modality == "image" else max(len(rows), _LEAST_ROWS)
                batch = torch.from_numpy(np.resize(rows, (least, *rows.shape[1:]))).to(dtype)
                found.append(model(batch.to(parameter.device))[: len(rows)].cpu().numpy())
        return np.concatenate(found)

    def _trained(self) -> nn.Module:
        if self.best is None:
            raise RunError(f"there is no model: no candidate has a result within the limits ({self.stopped_by}).")
        if self.best.model is None:
            reason = self.best.note or "a function was searched, not a model"
            raise RunError(f"there is no trained model: {reason}.")
        return self.best.model

    def export(self, path: str | Path) -> list[Path]:
        """Write the trained model: `NAME.py` (plain PyTorch source, with `NAME.pt` beside it) or `NAME.onnx`.

        What was written is read again, and must give the same outputs.

        Returns:
            The files.

        Raises:
            InvalidInput: for another ending.
            RunError: if there is no trained model, or the outputs differ.
            MissingDependency: if ONNX isn't installed.
        """
        from netwright.models.export import export_onnx, export_source

        target = Path(path)
        model = self._trained()
        target.parent.mkdir(parents=True, exist_ok=True)
        shape = tuple(self.facts["data"]["input_shape"])
        example = self._example(shape)
        if target.suffix == ".onnx":
            return export_onnx(model, target, example=example)
        if target.suffix != ".py":
            raise InvalidInput(f"a model can be exported to NAME.py or NAME.onnx, but got {target.name!r}.")
        if self.built is not None:
            return export_source(
                self.built,
                target,
                input_shape=shape,
                example=example,
                title=self._title(),
                outputs=self._outputs_text(),
            )
        return self._copied(target)

    def _example(self, shape: tuple[int, ...]) -> Any:
        """A few inputs to compare outputs on: of the test part where it is at hand."""
        import torch

        from netwright.models.example import example_inputs, input_dtype

        if self.task is not None:
            return torch.from_numpy(np.ascontiguousarray(self.task.test.inputs[:8])).to(input_dtype(self._trained()))
        return example_inputs(self._trained(), shape, 8, generator=torch.Generator().manual_seed(0))

    def _copied(self, target: Path) -> list[Path]:
        assert self.folder is not None
        source = (self.folder / "model.py").read_text(encoding="utf-8")
        weights = target.with_suffix(".pt")
        name = target.stem
        usage = f"model = {name}.load()  # after `import {name}`" if name.isidentifier() else "model = load()"
        source = source.replace("model = model.load()  # after `import model`", usage, 1)
        source = source.replace('"model.pt"', f'"{weights.name}"')
        target.write_text(source, encoding="utf-8")
        weights.write_bytes((self.folder / "model.pt").read_bytes())
        return [target, weights]

    def _title(self) -> str:
        score = ", ".join(f"{name} {value:.4g}" for name, value in (self.best.metrics if self.best else {}).items())
        return f"A network for {self.facts['name']}, found by architecture search (test: {score})."

    def _outputs_text(self) -> str:
        data = self.facts["data"]
        if data["kind"] == "regression":
            return f"(batch, {data['n_outputs']}), in the targets' own units"
        return f"(batch, {data['n_outputs']}) logits; the largest one is the class"

    def report_data(self) -> ReportData:
        """All that a report says, as plain data."""
        facts, final = self.facts, self.final
        data = facts.get("data")
        task = None
        if data is not None:
            task = TaskFacts(
                data["name"],
                data["kind"],
                data["sizes"],
                tuple(data["input_shape"]),
                data["n_outputs"],
                tuple(data["notes"]),
            )
        default = facts.get("default_arch")
        first = None if default is None else Arch.from_json(json.dumps(default))
        notes = [facts["plan"]["notes"]] if facts.get("plan") else []
        space_text = facts["space"]["text"]
        if notes:
            space_text += "\n\n" + "\n".join(f"# {text}" for text in notes[0])
        return ReportData(
            history=self.history,
            constraints=tuple(Constraint.parse(text) for text in facts["constraints"]),
            name=facts["name"],
            task=task,
            space_text=space_text,
            method=facts["method"]["name"],
            method_text=facts["method"]["text"],
            seed=facts["seed"],
            budget=facts["budget"],
            workers=facts["workers"],
            best=None if self.best is None else self.best.record,
            baseline=next((r for r in self.history.records if r.arch == first and r.fidelity == 1), None),
            final=self._final_facts(),
            drawing=self._drawing(),
            source=self._source(),
            environment=facts["environment"],
            warnings=tuple(final.get("warnings", ())),
            running=self.running,
            diary=self.diary,
        )

    def _final_facts(self) -> FinalTraining | None:
        final = self.final
        if not final.get("metrics"):
            return None
        names = ("metrics", "n_examples", "seconds", "share", "trained_on", "note")
        fresh = final.get("fresh")
        values = (fresh["selection"], fresh["fresh"]) if fresh else ()
        return FinalTraining(**{name: final[name] for name in names}, same_weights=values)

    def _drawing(self) -> Any:
        from netwright.reports.model_drawing import model_drawing

        if self.best is None or self.best.model is None:
            return None
        return model_drawing(self.best.model, tuple(self.facts["data"]["input_shape"]))

    def _source(self) -> str:
        from netwright.core.errors import InvalidSpace
        from netwright.models import source_of

        if self.built is None:
            file = None if self.folder is None else self.folder / "model.py"
            return file.read_text(encoding="utf-8") if file is not None and file.exists() else ""
        try:
            return source_of(
                self.built,
                input_shape=tuple(self.facts["data"]["input_shape"]),
                title=self._title(),
                outputs=self._outputs_text(),
            )
        except InvalidSpace:  # a class made at run time, say: the final note says so
            return ""

    def report(self, path: str | Path) -> Path:
        """Write the report: one HTML file that needs no network."""
        return write_report(self.report_data(), path)

    def summary(self) -> str:
        """The outcome in a few lines, for a terminal."""
        files = {name: str(self.folder / name) for name in self.final.get("files", ())} if self.folder else {}
        return "\n".join(summary_lines(self.report_data(), files=files))


def _model_from(folder: Path) -> nn.Module:
    """The trained model of a run folder, from its own standalone source.

    Raises:
        RunError: if it isn't there, or can't be loaded.
    """
    source, weights = folder / "model.py", folder / "model.pt"
    if not source.exists() or not weights.exists():
        raise RunError(f"there is no trained model in {folder}: model.py or model.pt is missing.")
    try:
        spec = importlib.util.spec_from_file_location(f"netwright_exported_{abs(hash(source))}", source)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.load(str(weights))
    except Exception as error:
        raise RunError(f"the model in {folder} can't be loaded: {type(error).__name__}: {error}") from error


def result_of_folder(path: Path) -> Result:
    """The result of a run folder, finished or not; see `netwright.load_result`."""
    with RunFolder(path, read_only=True) as kept:
        facts = kept.header
        history = History(objectives_from(facts["objectives"]))
        for record in kept.store:
            history.add(record)
    file = path / "final.json"
    final: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if final.get("n_records") != len(history):
        final = {}  # the search went on after it
    best = None
    found = next((r for r in history.records if r.id == final.get("record")), history.best)
    if found is not None:
        model, note = None, final.get("note", "")
        if final.get("metrics"):
            try:
                model = _model_from(path)
            except RunError as error:
                note = str(error)
        best = Best(found.arch, found, model, final.get("metrics", {}), note)
    seconds = final.get("total_seconds", max((r.elapsed_seconds for r in history.records), default=0.0))
    return Result(
        history, facts, best, final, folder=path, stopped_by=final.get("stopped_by", ""), seconds=seconds,
        running=not final, diary=diary_at(path / FILE),
    )  # fmt: skip
