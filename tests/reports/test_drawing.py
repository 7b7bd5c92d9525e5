"""Drawings: folding of repeats, and the SVG."""

import itertools
import re
import xml.etree.ElementTree as ET

import pytest

from netwright.core.errors import InvalidInput
from netwright.reports import Drawing, DrawnLayer
from netwright.reports.drawing import Repeat, collapse
from netwright.reports.drawing_svg import drawing_size, drawing_svg

SVG = "{http://www.w3.org/2000/svg}"


def chain(*types):
    return Drawing(tuple(DrawnLayer(f"l{i}", kind) for i, kind in enumerate(types)))


def boxes(svg):
    """Left, top, right and bottom of each layer."""
    found = []
    for group in svg.iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        x, y, w, h = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
        found.append((x, y, x + w, y + h))
    return found


def test_edges_must_lead_forward_and_exist():
    layers = (DrawnLayer("a", "A"), DrawnLayer("b", "B"))
    with pytest.raises(InvalidInput, match=r"from an earlier to a later one of its 2 layers, but got \(1, 0\)"):
        Drawing(layers, ((1, 0),))
    with pytest.raises(InvalidInput, match=r"but got \(0, 2\)"):
        Drawing(layers, ((0, 2),))


def test_small_drawings_are_not_folded():
    drawing = chain(*["Conv2d", "ReLU"] * 4)
    assert collapse(drawing) == (drawing, ())


def test_a_residual_network_is_folded_to_one_block(make):
    drawing = make.drawing(blocks=6)
    folded, repeats = collapse(drawing)
    assert [r.times for r in repeats] == [6]
    first, last = repeats[0].first, repeats[0].last
    assert [layer.type for layer in folded.layers[first : last + 1]] == [
        "Conv2d",
        "BatchNorm2d",
        "ReLU",
        "Conv2d",
        "BatchNorm2d",
        "Add",
    ]
    assert folded.sources(last) == (first - 1, last - 1)  # the shortcut is kept
    assert folded.sources(last + 1) == (last,)  # what comes after is fed from the shown part
    # Nothing is lost: the layers shown, times how often they stand for.
    shown = sum(r.times * (r.last - r.first + 1) for r in repeats)
    inside = sum(r.last - r.first + 1 for r in repeats)
    assert len(folded.layers) - inside + shown == len(drawing.layers)


def test_parts_that_differ_in_shape_or_parameters_are_not_folded():
    layers = tuple(DrawnLayer(f"l{i}", "Linear", (64 - i,), 100 + i) for i in range(20))
    assert collapse(Drawing(layers)) == (Drawing(layers), ())


def test_a_part_that_something_later_reads_is_not_hidden():
    n = 20
    layers = (*(DrawnLayer(f"l{i}", "Conv2d") for i in range(n)), DrawnLayer("cat", "Concat"))
    edges = (*((i, i + 1) for i in range(n)), (9, n))
    folded, repeats = collapse(Drawing(layers, edges))
    # l1 to l9 are one run that ends where the edge starts, l10 to l19 another.
    assert [layer.name for layer in folded.layers] == ["l0", "l1", "l10", "cat"]
    assert repeats == (Repeat(1, 1, 9), Repeat(2, 2, 10))
    assert folded.sources(3) == (1, 2)


def test_two_runs_fold_apart():
    folded, repeats = collapse(chain("Stem", *["Conv2d", "ReLU"] * 6, "Pool", *["Linear", "Tanh"] * 3))
    assert repeats == (Repeat(1, 2, 6), Repeat(4, 5, 3))
    assert [layer.type for layer in folded.layers] == ["Stem", "Conv2d", "ReLU", "Pool", "Linear", "Tanh"]


@pytest.mark.parametrize("n", [1, 5, 60, 300])
def test_chains_of_any_length_are_well_formed_and_stand_one_below_the_other(n):
    drawing = Drawing(tuple(DrawnLayer(f"l{i}", f"T{i}", (i,), i) for i in range(n)), input_shape=(3, 8, 8))
    svg = ET.fromstring(drawing_svg(drawing))
    found = boxes(svg)
    assert len(found) == n
    assert all(above[3] < below[1] for above, below in itertools.pairwise(found))
    assert len({(left, right) for left, _, right, _ in found}) == 1


def test_layers_of_a_graph_do_not_overlap_and_lie_within_the_picture(make):
    drawing = make.drawing(blocks=2)
    svg = ET.fromstring(drawing_svg(drawing, fold_above=100))
    found = boxes(svg)
    assert len(found) == len(drawing.layers)
    for i, a in enumerate(found):
        for b in found[i + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    x, y, width, height = map(float, svg.get("viewBox").split())
    assert (width, height) == pytest.approx(drawing_size(drawing, fold_above=100))
    numbers = [float(v) for p in svg.iter(f"{SVG}path") for v in re.findall(r"H(-?[\d.]+)", p.get("d"))]
    assert all(x <= box[0] and box[2] <= x + width and y <= box[1] and box[3] <= y + height for box in found)
    assert all(x <= number <= x + width for number in numbers)


def test_every_edge_is_drawn_and_long_ones_do_not_share_a_line():
    n = 7
    layers = tuple(DrawnLayer(f"l{i}", "Conv2d", (i,), 9) for i in range(n))
    edges = tuple((a, b) for b in range(n) for a in range(b))
    svg = ET.fromstring(drawing_svg(Drawing(layers, edges)))
    paths = [p.get("d") for p in svg.iter(f"{SVG}path") if "edge" in p.get("class")]
    assert len(paths) == len(edges)
    assert len(set(paths)) == len(edges)


def test_folding_is_said_in_the_picture(make):
    svg = ET.fromstring(drawing_svg(make.drawing(blocks=4)))
    texts = ["".join(t.itertext()) for t in svg.iter(f"{SVG}text")]
    assert "\u00d7 4" in texts
    assert "38" not in svg.find(f"{SVG}title").text
    assert f"{len(make.drawing(blocks=4).layers)} layers" in svg.find(f"{SVG}title").text


def test_texts_of_layers_are_escaped_and_cut():
    name = "<script>alert(1)</script>" * 5
    text = drawing_svg(Drawing((DrawnLayer(name, name, (1,), 5, name),)))
    svg = ET.fromstring(text)
    assert "<script" not in text
    assert svg.find(f"{SVG}g/{SVG}title").text.startswith("<script>alert(1)</script>")
    assert max(len("".join(t.itertext())) for t in svg.iter(f"{SVG}text")) < 60


def test_an_empty_drawing_is_still_a_picture():
    assert ET.fromstring(drawing_svg(Drawing(()))).tag == f"{SVG}svg"
