"""Genotype texts: read as published, written so that they can be read again, refused with a reason."""

from __future__ import annotations

import pytest

from netwright.core.errors import InvalidInput, NotFound
from netwright.spaces.genotypes import Genotype, RecurrentGenotype
from netwright.spaces.published import PUBLISHED, PUBLISHED_RECURRENT

PAIR = "('skip_connect', 0), ('sep_conv_3x3', 1)"
TEXT = f"Genotype(normal=[{PAIR}], normal_concat=[2], reduce=[{PAIR}], reduce_concat=range(2, 3))"


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_texts_survive(name):
    genotype = PUBLISHED[name].genotype
    assert Genotype.parse(str(genotype)) == genotype
    assert genotype.n_nodes("normal") == genotype.n_nodes("reduce")


def test_a_name_that_is_not_there():
    with pytest.raises(NotFound, match=r"unknown published cell 'PDART': did you mean 'PDARTS'.*Available: .*NASNet"):
        PUBLISHED["PDART"]
    with pytest.raises(NotFound, match="Available: DARTS_V1, DARTS_V2, ENAS"):
        PUBLISHED_RECURRENT["RNN"]
    assert PUBLISHED.get("PDART") is None


@pytest.mark.parametrize("name", PUBLISHED_RECURRENT)
def test_published_recurrent_texts_survive(name):
    genotype = PUBLISHED_RECURRENT[name]
    assert RecurrentGenotype.parse(str(genotype)) == genotype


def test_other_ways_of_writing_it():
    plain = Genotype.parse(TEXT)
    pairs = TEXT.replace(f"[{PAIR}]", f"[[{PAIR}]]")
    for text in (f"MINE = {TEXT}", f"\n  {TEXT}\n", pairs, pairs.replace("[[", "((").replace("]]", "),)"), str(plain)):
        assert Genotype.parse(text) == plain
    assert str(plain) == TEXT.replace("range(2, 3)", "[2]")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"a genotype must be a text like Genotype\(normal=…, .*, but got ''"),
        ("Genotype(1, 2)", "a genotype must be a text like"),
        ("__import__('os').getcwd()", "a genotype must be a text like"),
        (TEXT.replace("[2]", "open('x')"), "a genotype must be a text like"),
        (TEXT.replace("reduce_concat", "concat"), r"(?s)'reduce_concat' is missing.*'concat' is unknown"),
        (TEXT.replace("[2]", "2"), "'normal_concat' of a genotype must be a list of nodes or a range, but got 2"),
        (TEXT.replace("('skip_connect', 0)", "'skip_connect'"), r"must be a list of \(operation, node\), but there is"),
        (TEXT.replace("[2]", "[2, 2]"), r"'normal_concat' must be different nodes of 'normal', but is \[2, 2\]"),
        (TEXT.replace("range(2, 3)", "[3]"), r"'reduce_concat' must be different nodes of 'reduce', but is \[3\]"),
        (TEXT.replace(PAIR, "('skip_connect', 0)"), "two edges must enter each node of 'normal', but it has 1 edges"),
        (
            TEXT.replace("3x3', 1", "3x3', 2"),
            r"'normal': \('sep_conv_3x3', 2\) enters node 2, but must come from before",
        ),
    ],
)
def test_texts_that_are_none(text, said):
    with pytest.raises(InvalidInput, match=said):
        Genotype.parse(text)


def test_recurrent_texts_that_are_none():
    with pytest.raises(InvalidInput, match="'concat' is missing"):
        RecurrentGenotype.parse("Genotype(recurrent=[('tanh', 0)])")
    with pytest.raises(InvalidInput, match=r"\('tanh', 1\) enters node 1, but must come from before it"):
        RecurrentGenotype.parse("Genotype(recurrent=[('tanh', 1)], concat=[1])")
    with pytest.raises(InvalidInput, match=r"'concat' must be different nodes, but is \[4\]"):
        RecurrentGenotype.parse("Genotype(recurrent=[('tanh', 0)], concat=[4])")
