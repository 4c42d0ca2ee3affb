"""Orders of the demonstration shop: what was bought, and how."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from farm.demo.shop_words import COUPONS

ORDERS = 12_000
FIRST_DAY = date(2023, 1, 1)
LAST_DAY = date(2025, 12, 31)
SEASON = (0.8, 0.75, 0.9, 0.95, 1.0, 1.0, 0.9, 0.85, 1.0, 1.1, 1.6, 1.7)  # share of orders by month
GROWTH = {2023: 1.0, 2024: 1.25, 2025: 1.55}
CHANNELS = {"web": 60, "app": 32, "phone": 8}
NEVER_SOLD = 9

Row = tuple[object, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One product on an order; the price is in cents."""

    product_id: int
    quantity: int
    unit_cents: int

    @property
    def total_cents(self) -> int:
        return self.quantity * self.unit_cents


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One order as the other tables need it."""

    order_id: int
    customer_id: int
    address_id: int
    day: date
    status: str
    channel: str
    coupon_code: str | None
    shipping_cents: int
    lines: tuple[Line, ...] = field(default=())

    @property
    def total_cents(self) -> int:
        return sum(line.total_cents for line in self.lines)

    def row(self) -> Row:
        """The row of `orders`."""
        who = self.order_id, self.customer_id, self.address_id, self.day.isoformat()
        how = self.status, self.channel, self.coupon_code
        return *who, *how, self.shipping_cents / 100, self.total_cents / 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Buyer:
    """A customer who may order: from when, where to, and how often compared with others."""

    customer_id: int
    since: date
    address_ids: tuple[int, ...]
    weight: float


def buyers(random: Random, customers: Sequence[Row], addresses: Sequence[Row]) -> list[Buyer]:
    """Customers who may order. Most order seldom, a few often; one in ten never does."""
    places: dict[object, tuple[int, ...]] = {}
    for address_id, customer_id, *_ in addresses:
        places[customer_id] = (*places.get(customer_id, ()), int(str(address_id)))
    return [
        Buyer(
            customer_id=int(str(row[0])),
            since=date.fromisoformat(str(row[-1])),
            address_ids=places[row[0]],
            weight=random.paretovariate(1.3),
        )
        for row in customers
        if random.random() > 0.1
    ]


def orders(random: Random, buyers: Sequence[Buyer], products: Sequence[Row]) -> Iterator[Order]:
    """All orders by date; nobody orders before signing up."""
    known, cumulative, total = 0, [], 0.0
    shelf = _shelf(random, products)
    for number, day in enumerate(_days(random), start=1):
        while known < len(buyers) and buyers[known].since <= day:
            total += min(buyers[known].weight, 25)
            cumulative.append(total)
            known += 1
        buyer = random.choices(buyers[:known], cum_weights=cumulative)[0]
        yield _order(random, number, day, buyer, shelf)


def _days(random: Random) -> list[date]:
    """The days of all orders: more every year, most before Christmas."""
    days = [FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
    weights = [SEASON[day.month - 1] * GROWTH[day.year] for day in days]
    return sorted(random.choices(days, weights, k=ORDERS))


def _shelf(random: Random, products: Sequence[Row]) -> list[tuple[int, int]]:
    """(product_id, list price in cents), popular products many times; a few products are on no shelf."""
    unsold = set(random.sample(range(len(products)), NEVER_SOLD))
    shelf: list[tuple[int, int]] = []
    for index, row in enumerate(products):
        if index not in unsold:
            price = round(float(str(row[5])) * 100)
            shelf += [(int(str(row[0])), price)] * min(round(random.paretovariate(1.1)), 12)
    return shelf


def _order(random: Random, number: int, day: date, buyer: Buyer, shelf: Sequence[tuple[int, int]]) -> Order:
    coupon = random.choice(COUPONS) if random.random() < 0.18 else None
    lines = tuple(_lines(random, shelf, discount=0.1 if coupon else 0.0))
    free = sum(line.total_cents for line in lines) >= 10_000
    return Order(
        order_id=number,
        customer_id=buyer.customer_id,
        address_id=buyer.address_ids[0] if random.random() < 0.8 else buyer.address_ids[-1],
        day=day,
        status=_status(random, day),
        channel=random.choices(tuple(CHANNELS), tuple(CHANNELS.values()))[0],
        coupon_code=coupon.lower() if coupon and random.random() < 0.3 else coupon,
        shipping_cents=0 if free else random.choice((390, 490, 690)),
        lines=lines,
    )


def _lines(random: Random, shelf: Sequence[tuple[int, int]], *, discount: float) -> Iterator[Line]:
    """One to six different products."""
    chosen = {random.choice(shelf) for _ in range(1 + min(int(random.expovariate(0.75)), 5))}
    for product_id, price in sorted(chosen):
        quantity = 1 if random.random() < 0.72 else random.randint(2, 5)
        yield Line(product_id=product_id, quantity=quantity, unit_cents=round(price * (1 - discount)))


def _status(random: Random, day: date) -> str:
    """Old orders are delivered or cancelled; those of the last days are on their way."""
    if random.random() < 0.08:
        return "cancelled"
    age_days = (LAST_DAY - day).days
    if age_days > 20:
        return "delivered"
    return random.choice(("pending", "paid", "shipped") if age_days < 8 else ("shipped", "delivered"))
