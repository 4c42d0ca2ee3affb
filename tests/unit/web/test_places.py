"""One who takes many places leaves some for others."""

from farm.web.places import Bounds, Holder, Places


def places() -> Places:
    return Places(Bounds(in_all=5, of_name=3, of_browser=2))


def taken(places: Places, *holders: tuple[str, str]) -> list[bool]:
    return [places.take(Holder(name=name, browser=browser)) for name, browser in holders]


def test_one_browser_one_name_and_all_have_their_bounds():
    assert taken(places(), *[("reader", "a")] * 3) == [True, True, False]
    assert taken(places(), *(("reader", browser) for browser in "abcd")) == [True, True, True, False]
    assert taken(places(), *((name, name) for name in "abcdef")) == [True] * 5 + [False]


def test_a_place_that_is_given_back_is_free_and_its_holder_forgotten():
    found = places()
    assert taken(found, *[("reader", "a")] * 3) == [True, True, False]
    for _ in range(2):
        found.give_back(Holder(name="reader", browser="a"))
    assert not found._taken
    assert taken(found, ("reader", "a")) == [True]
