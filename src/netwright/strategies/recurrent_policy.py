"""An LSTM that writes: at each step a distribution over the options, given all that was written before.

In plain numpy, with the gradient by hand: the network is so small that a tensor library spends its time on calls
(docs/decisions says how much), and `netwright.strategies` needs no torch. Hochreiter & Schmidhuber 1997,
https://doi.org/10.1162/neco.1997.9.8.1735.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from netwright.strategies.writing import Step

__all__ = ["RecurrentPolicy", "Texts"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
Indices: TypeAlias = "np.ndarray[Any, np.dtype[np.intp]]"

_SPREAD = 0.08  # initial weights are uniform in ±this, as in Zoph & Le 2017


@dataclass(frozen=True, slots=True)
class Texts:
    """Several texts side by side; shorter ones are filled up at their ends.

    Attributes:
        inputs: what was written just before, shape (steps, texts); see `RecurrentPolicy.token`.
        places, options: what is being written, shape (steps, texts).
        priors: shape (steps, texts, options), minus infinity where there is no such option.
        counts: whether a step is one of the text, shape (steps, texts).
    """

    inputs: Indices
    places: Indices
    options: Indices
    priors: Array
    counts: Array


class RecurrentPolicy:
    """One LSTM layer between tables: a row for each token that comes in, and one for each that may go out.

    Args:
        widths: the number of options of each place (see `Writing`).
        hidden: units of the layer.
        rng: for the initial weights. Outputs start at zero: nothing is preferred beyond the priors.

    Attributes:
        weights: all of them, shape (weights,).
    """

    def __init__(self, widths: Sequence[int], hidden: int, rng: np.random.Generator) -> None:
        self.hidden = hidden
        self.widest = max(widths, default=1)
        self._first = np.concatenate([[0], np.cumsum(widths, dtype=np.intp)])  # a place's first token
        n_tokens, n_places = int(self._first[-1]), len(widths)
        self.start = n_tokens
        """The token before the first one."""
        shapes = {
            "tokens": (n_tokens + 1, 4 * hidden),
            "places": (n_places, 4 * hidden),
            "recurrent": (hidden, 4 * hidden),
            "scores": (n_tokens, hidden),
            "biases": (n_tokens,),
        }
        self._shapes = shapes
        self.weights = np.zeros(sum(int(np.prod(shape)) for shape in shapes.values()))
        self._tokens, self._places, self._recurrent, self._scores, self._biases = self._views(self.weights)
        for table in (self._tokens, self._places, self._recurrent):
            table[:] = rng.uniform(-_SPREAD, _SPREAD, table.shape)
        self._places[:, hidden : 2 * hidden] += 1.0  # remember at first (Jozefowicz et al. 2015)

    def _views(self, flat: Array) -> list[Array]:
        views, at = [], 0
        for shape in self._shapes.values():
            size = int(np.prod(shape))
            views.append(flat[at : at + size].reshape(shape))
            at += size
        return views

    # One text -----------------------------------------------------------------------------------------------------

    def begin(self) -> tuple[int, Array, Array]:
        """The state before the first step: last token, output (hidden,) and memory (hidden,)."""
        return self.start, np.zeros(self.hidden), np.zeros(self.hidden)

    def step(self, state: tuple[int, Array, Array], place: int, priors: Array) -> tuple[Array, Array, Array]:
        """The probabilities at a place, shape (options,), and the new output and memory."""
        token, output, memory = state
        gates = self._tokens[token] + self._places[place] + output @ self._recurrent
        output, memory, _ = _cell(gates, memory)
        rows = slice(self._first[place], self._first[place + 1])
        scores = self._scores[rows] @ output + self._biases[rows] + priors
        weights = np.exp(scores - scores.max())
        return weights / weights.sum(), output, memory

    def token(self, place: int, option: int) -> int:
        """The number under which an option of a place is read."""
        return int(self._first[place]) + option

    # Several texts ------------------------------------------------------------------------------------------------

    def texts(self, texts: Sequence[Sequence[Step]]) -> Texts:
        """Texts as arrays."""
        shape = (max(map(len, texts)), len(texts))
        inputs = np.full(shape, self.start)
        places, options = np.zeros(shape, np.intp), np.zeros(shape, np.intp)
        priors, counts = np.full((*shape, self.widest), -np.inf), np.zeros(shape)
        priors[..., 0] = 0.0  # where nothing is written, the first option is certain
        for n, text in enumerate(texts):
            for t, step in enumerate(text):
                places[t, n], options[t, n], counts[t, n] = step.place, step.option, 1.0
                priors[t, n, : len(step.priors)] = step.priors
                if t + 1 < shape[0]:
                    inputs[t + 1, n] = self.token(step.place, step.option)
        return Texts(inputs, places, options, priors, counts)

    def forward(self, texts: Texts) -> _Passed:
        """The logarithms of the probabilities of all options at every step, and what the way back needs."""
        steps, n = texts.places.shape
        gates = self._tokens[texts.inputs] + self._places[texts.places]  # (T, N, 4H)
        outputs, memories = np.zeros((steps + 1, n, self.hidden)), np.zeros((steps + 1, n, self.hidden))
        opened = np.empty_like(gates)
        for t in range(steps):
            outputs[t + 1], memories[t + 1], opened[t] = _cell(gates[t] + outputs[t] @ self._recurrent, memories[t])
        rows = np.minimum(self._first[texts.places][..., None] + np.arange(self.widest), self.start - 1)  # (T, N, O)
        scores = (self._scores[rows] @ outputs[1:, :, :, None])[..., 0] + self._biases[rows] + texts.priors
        scores -= scores.max(-1, keepdims=True)
        log_probs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
        return _Passed(log_probs, outputs, memories, opened, rows)

    def gradient(self, texts: Texts, passed: _Passed, d_scores: Array) -> Array:
        """The gradient of the weights, shape (weights,), from that of the scores, shape (steps, texts, options)."""
        outputs, memories, hidden = passed.outputs, passed.memories, self.hidden
        steps, n = texts.places.shape
        d_out = (d_scores[:, :, None, :] @ self._scores[passed.rows])[:, :, 0]  # (T, N, H)
        d_gates = np.empty_like(passed.opened)
        d_output, d_memory = np.zeros((n, hidden)), np.zeros((n, hidden))
        for t in reversed(range(steps)):
            keep, forget, show, new = np.split(passed.opened[t], 4, axis=-1)
            d_output += d_out[t]
            shown = np.tanh(memories[t + 1])
            d_memory += d_output * show * (1 - shown**2)
            d_gates[t, :, :hidden] = d_memory * new * keep * (1 - keep)
            d_gates[t, :, hidden : 2 * hidden] = d_memory * memories[t] * forget * (1 - forget)
            d_gates[t, :, 2 * hidden : 3 * hidden] = d_output * shown * show * (1 - show)
            d_gates[t, :, 3 * hidden :] = d_memory * keep * (1 - new**2)
            d_memory *= forget
            d_output = d_gates[t] @ self._recurrent.T
        gradient = np.zeros_like(self.weights)
        tokens, places, recurrent, scores, biases = self._views(gradient)
        _add(tokens, texts.inputs, d_gates)
        _add(places, texts.places, d_gates)
        recurrent[:] = outputs[:-1].reshape(-1, hidden).T @ d_gates.reshape(-1, 4 * hidden)
        _add(scores, passed.rows, d_scores[..., None] * outputs[1:, :, None, :])
        _add(biases, passed.rows, d_scores)
        return gradient


@dataclass(frozen=True, slots=True)
class _Passed:
    """What one pass through the texts gave."""

    log_probs: Array  # (T, N, O)
    outputs: Array  # (T + 1, N, H)
    memories: Array  # (T + 1, N, H)
    opened: Array  # the gates, (T, N, 4H)
    rows: Indices  # each option's token, (T, N, O)


def _cell(gates: Array, memory: Array) -> tuple[Array, Array, Array]:
    """One step of the LSTM: output, memory, and the gates (input, forget, output, candidate), from their inputs."""
    hidden = memory.shape[-1]
    opened = np.empty_like(gates)
    opened[..., : 3 * hidden] = 0.5 + 0.5 * np.tanh(0.5 * gates[..., : 3 * hidden])  # the logistic function, stably
    np.tanh(gates[..., 3 * hidden :], out=opened[..., 3 * hidden :])
    memory = opened[..., hidden : 2 * hidden] * memory + opened[..., :hidden] * opened[..., 3 * hidden :]
    return opened[..., 2 * hidden : 3 * hidden] * np.tanh(memory), memory, opened


def _add(table: Array, rows: Indices, values: Array) -> None:
    """Add each value to its row of the table; rows may come several times."""
    flat = rows.ravel()
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    table[ordered[starts]] += np.add.reduceat(values.reshape(len(flat), *table.shape[1:])[order], starts, axis=0)
