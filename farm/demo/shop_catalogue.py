"""What the demonstration shop sells, and who supplies it."""

from random import Random

from farm.demo.shop_words import ADJECTIVES, CATEGORIES, SUPPLIER_COUNTRIES, SUPPLIER_KINDS, SUPPLIER_WORDS

PRODUCTS_PER_CATEGORY = 22

Row = tuple[object, ...]


def categories() -> list[Row]:
    """Rows of `categories`."""
    return [(number, name, entry[0]) for number, (name, entry) in enumerate(CATEGORIES.items(), start=1)]


def suppliers(random: Random) -> list[Row]:
    """Rows of `suppliers`; the address of one in five is unknown."""
    names = [f"{word} {kind}" for kind in SUPPLIER_KINDS for word in SUPPLIER_WORDS]
    return [
        (number, name, random.choice(SUPPLIER_COUNTRIES), _email(name) if random.random() < 0.8 else None)
        for number, name in enumerate(names, start=1)
    ]


def _email(name: str) -> str:
    return f"sales@{name.lower().replace(' ', '-')}.example"


def products(random: Random, supplier_count: int) -> list[Row]:
    """Rows of `products`; no two share a name. The last two suppliers have none (yet)."""
    rows: list[Row] = []
    for category_id, (_, low, high, nouns) in enumerate(CATEGORIES.values(), start=1):
        names = random.sample(
            [f"{word} {noun}" for word in ADJECTIVES for noun in nouns], PRODUCTS_PER_CATEGORY
        )
        for name in names:
            number = len(rows) + 1
            price = round(low + (high - low) * random.random() ** 2) - 0.01
            row = (number, f"SKU-{1000 + number}", name, category_id, random.randint(1, supplier_count - 2))
            rows.append((*row, price, *_stockroom(random, price)))
    return rows


def _stockroom(random: Random, price: float) -> tuple[float, float | None, int, str]:
    """(unit_cost, weight_kg, stock, status) of a product sold at `price`."""
    cost = round(price * (0.4 + 0.3 * random.random()), 2)
    weight = None if random.random() < 0.08 else round(0.1 + 9 * random.random() ** 2, 2)
    discontinued = random.random() < 0.1
    stock = 0 if discontinued or random.random() < 0.06 else random.randint(1, 240)
    return cost, weight, stock, "discontinued" if discontinued else "active"
