"""Foreign keys as a picture: layers, circles, hubs, and the same in words."""

from farm.demo import shop
from farm.sql.outline import read_outline
from farm.web.diagram import BOX_HEIGHT, BOX_WIDTH, MOST_BOXES, diagram, layered


def drawn(ddl: str, around: str | None = None):
    return diagram(read_outline(ddl, "sqlite"), around)


def tables(*lines: str) -> str:
    """`child: parent parent` as CREATE TABLE statements."""
    made = []
    for line in lines:
        name, _, parents = line.partition(":")
        keys = "".join(f", k{i} INT REFERENCES {parent}(id)" for i, parent in enumerate(parents.split()))
        made.append(f"CREATE TABLE {name} (id INT PRIMARY KEY{keys});")
    return "\n".join(made)


def test_each_table_stands_behind_all_that_it_refers_to():
    edges = [("items", "orders"), ("orders", "customers"), ("items", "products"), ("items", "customers")]
    assert layered({"items", "orders", "customers", "products"}, edges) == [
        ["customers", "products"],
        ["orders"],
        ["items"],
    ]


def test_circles_come_to_an_end():
    assert layered({"a", "b", "c"}, [("a", "b"), ("b", "c"), ("c", "a"), ("a", "a")]) == [["c"], ["b"], ["a"]]
    ring = [(f"t{i:04}", f"t{(i + 1) % 3000:04}") for i in range(3000)]
    assert len(layered({child for child, _ in ring}, ring)) == 3000, "deeper than Python recurses"


def test_boxes_do_not_overlap_and_lines_join_them():
    picture = drawn(shop.ddl())
    assert {box.label for box in picture.boxes} >= {"orders", "customers", "products", "reviews"}
    spots = [(box.x, box.y) for box in picture.boxes]
    for i, (x, y) in enumerate(spots):
        for other_x, other_y in spots[i + 1 :]:
            assert abs(x - other_x) >= BOX_WIDTH or abs(y - other_y) >= BOX_HEIGHT
    assert all(0 < x < picture.width and 0 < y < picture.height for x, y in spots)
    place = {box.label: box.x for box in picture.boxes}
    assert all(place[line.parent] < place[line.child] for line in picture.lines)
    assert "orders refers to customers by customer_id" in picture.description


def test_the_neighbourhood_of_a_table_is_what_it_is_linked_to():
    ddl = tables("a", "b: a", "c: b", "d: c", "alone")
    assert {box.label for box in drawn(ddl, "b").boxes} == {"a", "b", "c"}
    assert {box.label for box in drawn(ddl).boxes} == {"a", "b", "c", "d"}
    assert drawn(ddl, "alone") is None
    assert drawn(ddl, "no such table") is None
    assert drawn("CREATE TABLE alone (id INT)") is None


def test_a_table_that_refers_to_itself_is_marked():
    picture = drawn(tables("a: a"))
    assert [box.refers_to_itself for box in picture.boxes] == [True]
    assert picture.lines == ()
    assert picture.description == "a refers to itself."


def test_several_keys_between_two_tables_are_one_line():
    picture = drawn(tables("a", "b: a a"))
    assert [line.by for line in picture.lines] == ["k0 and by k1"]


def test_of_many_tables_the_most_linked_are_drawn():
    ddl = tables("hub", *(f"t{i}: hub" for i in range(100)), "x", "y: x")
    picture = drawn(ddl)
    assert len(picture.boxes) == MOST_BOXES
    assert picture.left_out == 103 - MOST_BOXES
    assert "hub" in {box.label for box in picture.boxes}
    assert "y" in {box.label for box in drawn(ddl, "y").boxes}


def test_a_long_name_is_cut_on_the_box_only():
    picture = drawn(tables(f"a{'x' * 80}", f"b: a{'x' * 80}"))
    box = next(box for box in picture.boxes if len(box.label) > 24)
    assert len(box.short) == 24
    assert box.short.endswith("…")


def test_the_order_within_layers_saves_crossings():
    ddl = tables("a", "b", "c", "z: a", "y: b", "x: c")
    place = {box.label: box.y for box in drawn(ddl).boxes}
    order = sorted("abc", key=lambda label: place[label])
    assert sorted("xyz", key=lambda label: place[label]) == [{"a": "z", "b": "y", "c": "x"}[p] for p in order]


def test_a_line_over_several_layers_passes_between_the_boxes():
    picture = drawn(tables("a", "b: a", "c: b a"))
    place = {box.label: box for box in picture.boxes}
    [line] = [line for line in picture.lines if (line.child, line.parent) == ("c", "a")]
    level = float(line.path.split(" H")[0].rsplit(" ", 1)[1])
    assert not place["b"].y <= level <= place["b"].y + BOX_HEIGHT
    assert line.path.endswith(f"{place['a'].x + BOX_WIDTH:g} {place['a'].y + BOX_HEIGHT / 2:g}")
