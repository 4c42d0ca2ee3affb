"""Foreign keys as a picture: layers of tables, those that others refer to on the left.

The layers are by the longest way (without the references that close a circle), a line that crosses layers has
a place of its own in each, and the order within a layer is by the mean place of the neighbours, as Sugiyama,
Tagawa and Toda (1981) have it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from farm.sql.outline import Outline

MOST_BOXES = 40
BOX_WIDTH, BOX_HEIGHT = 190, 30
ACROSS, DOWN, MARGIN = 270, 44, 12
PASSAGE = 18
NAME_CHARS = 24
SWEEPS = 6
DESCRIBED = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A table, in pixels. `refers_to_itself`: one of its keys is to its own table."""

    label: str
    x: float
    y: float
    refers_to_itself: bool = False
    width: int = BOX_WIDTH
    height: int = BOX_HEIGHT

    @property
    def short(self) -> str:
        """The label as far as it fits."""
        return self.label if len(self.label) <= NAME_CHARS else f"{self.label[: NAME_CHARS - 1]}…"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A reference from one table to another; `path` is SVG's. `by` are the columns."""

    child: str
    parent: str
    by: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagram:
    """`left_out` counts tables with foreign keys that there was no room for."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: float
    height: float
    left_out: int = 0

    @property
    def description(self) -> str:
        """The same in words, as far as words help."""
        said = [f"{line.child} refers to {line.parent} by {line.by}" for line in self.lines[:DESCRIBED]]
        said += [f"{box.label} refers to itself" for box in self.boxes if box.refers_to_itself]
        more = len(self.lines) - DESCRIBED
        return "; ".join(said) + (f"; and {more} more" if more > 0 else "") + "."


Edges = Mapping[tuple[str, str], str]
"""(child, parent), and the columns between them."""


def diagram(outline: Outline, around: str | None = None) -> Diagram | None:
    """The tables that are linked to `around`, or all that are linked; None where there are none."""
    edges = _edges(outline)
    links = _links(edges)
    if around is not None:
        wanted = links.get(around, set()) | {around} if around in links else set()
    else:
        wanted = set(links)
    shown = _most_linked(wanted, links, around)
    if not shown:
        return None
    inside = {pair: by for pair, by in edges.items() if pair[0] in shown and pair[1] in shown}
    threaded = _threaded(layered(shown, inside), inside)
    places = _placed(_ordered(threaded))
    circular = {child for child, parent in inside if child == parent}
    boxes = {
        label: Box(label=label, x=x, y=y, refers_to_itself=label in circular)
        for label, (x, y) in places.items()
        if isinstance(label, str)
    }
    return Diagram(
        boxes=tuple(boxes.values()),
        lines=tuple(
            Line(
                child=child,
                parent=parent,
                by=by,
                path=_path(
                    boxes[child], boxes[parent], [places[each] for each in threaded.passages(child, parent)]
                ),
            )
            for (child, parent), by in inside.items()
            if child != parent
        ),
        width=max(x for x, _ in places.values()) + BOX_WIDTH + MARGIN,
        height=max(y for _, y in places.values()) + BOX_HEIGHT + MARGIN,
        left_out=len(wanted) - len(shown),
    )


def _edges(outline: Outline) -> dict[tuple[str, str], str]:
    edges: dict[tuple[str, str], str] = {}
    for table in outline.tables:
        for key in table.foreign_keys:
            pair, by = (table.label, key.parent), ", ".join(key.columns)
            edges[pair] = f"{edges[pair]} and by {by}" if pair in edges else by
    return edges


def _links(edges: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """The neighbours of each table that has any, or that refers to itself."""
    links: dict[str, set[str]] = defaultdict(set)
    for child, parent in edges:
        links[child].add(parent)
        links[parent].add(child)
    return dict(links)


def _most_linked(wanted: set[str], links: Mapping[str, set[str]], first: str | None) -> set[str]:
    ranked = sorted(wanted, key=lambda label: (label != first, -len(links[label]), label))
    return set(ranked[:MOST_BOXES])


def layered(labels: Iterable[str], edges: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The tables in layers: each behind every table that it refers to, as far as there is no circle."""
    parents: dict[str, list[str]] = {label: [] for label in sorted(labels)}
    for child, parent in sorted(edges):
        if child != parent:
            parents[child].append(parent)
    depth: dict[str, int] = {}
    for label in parents:
        _measure(label, parents, depth)
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for label in parents:
        layers[depth[label]].append(label)
    return [layer for layer in layers if layer]


def _measure(start: str, parents: Mapping[str, Sequence[str]], depth: dict[str, int]) -> None:
    """Set the depth of a table and of all it leads to; a reference back to where we come from counts not."""
    open_, stack = {start}, [(start, iter(parents[start]))]
    while stack and start not in depth:
        label, rest = stack[-1]
        following = next((each for each in rest if each not in depth and each not in open_), None)
        if following is not None:
            open_.add(following)
            stack.append((following, iter(parents[following])))
            continue
        depth[label] = 1 + max((depth[each] for each in parents[label] if each in depth), default=-1)
        open_.discard(label)
        stack.pop()


Passage = tuple[str, str, int]
"""Where the line from a child to a parent crosses a layer."""
Node = str | Passage


@dataclass(frozen=True, kw_only=True, slots=True)
class Threaded:
    """Layers with the passages of long lines in them, and which nodes of neighbouring layers are joined."""

    layers: list[list[Node]]
    depth: Mapping[str, int]
    joints: tuple[tuple[Node, Node], ...]

    def passages(self, child: str, parent: str) -> list[Node]:
        """Where a line passes, from the child to the parent."""
        return [(child, parent, layer) for layer in range(self.depth[child] - 1, self.depth[parent], -1)]


def _threaded(layers: list[list[str]], edges: Iterable[tuple[str, str]]) -> Threaded:
    depth = {label: place for place, layer in enumerate(layers) for label in layer}
    made = Threaded(layers=[list(layer) for layer in layers], depth=depth, joints=())
    joints: list[tuple[Node, Node]] = []
    for child, parent in edges:
        passages = made.passages(child, parent)
        for layer, passage in zip(range(depth[child] - 1, depth[parent], -1), passages, strict=True):
            made.layers[layer].append(passage)
        joints += pairwise([child, *passages, parent]) if child != parent else []
    return replace(made, joints=tuple(joints))


def _ordered(threaded: Threaded) -> list[list[Node]]:
    """Each layer by the mean place of its nodes' neighbours, some times to and fro."""
    links: dict[Node, list[Node]] = defaultdict(list)
    for one, other in threaded.joints:
        links[one].append(other)
        links[other].append(one)
    for sweep in range(SWEEPS):
        for layer in threaded.layers if sweep % 2 == 0 else reversed(threaded.layers):
            places = _places(threaded.layers)
            means = {node: _mean(places, links.get(node, ()), places[node]) for node in layer}
            layer.sort(key=lambda node: (means[node], str(node)))
    return threaded.layers


def _places(layers: list[list[Node]]) -> dict[Node, float]:
    """How far down each node stands, from 0 to 1."""
    return {node: (place + 0.5) / len(layer) for layer in layers for place, node in enumerate(layer)}


def _mean(places: Mapping[Node, float], neighbours: Sequence[Node], own: float) -> float:
    return sum(places[node] for node in neighbours) / len(neighbours) if neighbours else own


def _placed(layers: list[list[Node]]) -> dict[Node, tuple[float, float]]:
    """The upper left corner of each node, the layers side by side, each in the middle of the height."""
    heights = [sum(_height(node) for node in layer) for layer in layers]
    placed: dict[Node, tuple[float, float]] = {}
    for across, layer in enumerate(layers):
        y = MARGIN + (max(heights) - heights[across]) / 2
        for node in layer:
            placed[node] = (MARGIN + ACROSS * across, y)
            y += _height(node)
    return placed


def _height(node: Node) -> int:
    return DOWN if isinstance(node, str) else PASSAGE


def _path(child: Box, parent: Box, passages: Iterable[tuple[float, float]]) -> str:
    """A curve from the child's left side to the parent's right one, level where it passes a layer."""
    x, y = child.x, child.y + BOX_HEIGHT / 2
    end_x, end_y = parent.x + BOX_WIDTH, parent.y + BOX_HEIGHT / 2
    bend = (ACROSS - BOX_WIDTH) / 2
    if end_x > x:  # it closes a circle: out on the right, and back
        x += BOX_WIDTH
        return f"M{x:g} {y:g} C{x + 2 * bend:g} {y:g} {end_x + 2 * bend:g} {end_y:g} {end_x:g} {end_y:g}"
    drawn = [f"M{x:g} {y:g}"]
    for left, top in [*((left, top + PASSAGE / 2) for left, top in passages), (parent.x, end_y)]:
        right = left + BOX_WIDTH
        drawn.append(f"C{x - bend:g} {y:g} {right + bend:g} {top:g} {right:g} {top:g}")
        if left != parent.x:
            drawn.append(f"H{left:g}")
        x, y = left, top
    return " ".join(drawn)
