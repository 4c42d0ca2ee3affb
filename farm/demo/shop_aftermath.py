"""What follows an order in the demonstration shop: payments, shipments, returns and reviews."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random

from farm.demo.shop_sales import LAST_DAY, Order
from farm.demo.shop_words import REVIEW_TITLES

METHODS = {"card": 52, "paypal": 28, "invoice": 15, "gift_card": 5}
CARRIERS = {"DHL": 45, "UPS": 25, "PostNL": 20, "FedEx": 10}
CARRIER_DAYS = {"DHL": 3, "UPS": 2, "PostNL": 4, "FedEx": 2}
REASONS = ("damaged", "wrong item", "changed mind", "changed mind", "too late", None)

Row = tuple[object, ...]


def order_items(orders: Sequence[Order]) -> Iterator[Row]:
    """Rows of `order_items`, numbered in the order of the orders."""
    number = 0
    for order in orders:
        for line in order.lines:
            number += 1
            goods = line.product_id, line.quantity, line.unit_cents / 100, line.total_cents / 100
            yield number, order.order_id, *goods


def payments(random: Random, orders: Sequence[Order]) -> Iterator[Row]:
    """Rows of `payments`: failed tries now and then, none for pending orders, some refunds."""
    number = 0
    for order in orders:
        for status in _payment_states(random, order):
            number += 1
            method = random.choices(tuple(METHODS), tuple(METHODS.values()))[0]
            clock = f"{random.randrange(24):02}:{random.randrange(60):02}:{random.randrange(60):02}"
            amount = (order.total_cents + order.shipping_cents) / 100
            yield number, order.order_id, method, status, amount, f"{order.day.isoformat()} {clock}"


def _payment_states(random: Random, order: Order) -> list[str]:
    failed = ["failed"] if random.random() < 0.06 else []
    if order.status == "pending":
        return failed
    if order.status == "cancelled":
        return [*failed, "refunded"] if random.random() < 0.6 else failed
    return [*failed, "captured"]


def shipments(random: Random, orders: Sequence[Order]) -> Iterator[Row]:
    """Rows of `shipments`, one for each order that left the shop."""
    number = 0
    for order in orders:
        if order.status in ("shipped", "delivered"):
            number += 1
            carrier = random.choices(tuple(CARRIERS), tuple(CARRIERS.values()))[0]
            shipped = order.day + timedelta(days=random.randint(0, 3))
            arrived = shipped + timedelta(days=CARRIER_DAYS[carrier] + min(int(random.expovariate(0.7)), 12))
            delivered = arrived.isoformat() if order.status == "delivered" else None
            yield number, order.order_id, carrier, shipped.isoformat(), delivered


def returns(random: Random, orders: Sequence[Order], items: Sequence[Row]) -> Iterator[Row]:
    """Rows of `returns`: one item in twenty of the delivered orders, in whole or in part."""
    days = {order.order_id: order.day for order in orders if order.status == "delivered"}
    number = 0
    for item_id, order_id, _, quantity, unit_price, _ in items:
        day = days.get(int(str(order_id)))
        if day is None or random.random() > 0.05:
            continue
        number += 1
        back = random.randint(1, int(str(quantity)))
        refund = round(back * float(str(unit_price)), 2)
        yield number, item_id, _later(random, day, 8, 40), back, random.choice(REASONS), refund


def reviews(random: Random, orders: Sequence[Order]) -> Iterator[Row]:
    """Rows of `reviews`: one purchase in five is reviewed, four in ten of these without a word."""
    number = 0
    for order in orders:
        if order.status != "delivered":
            continue
        for line in order.lines:
            if random.random() < 0.2:
                number += 1
                rating = random.choices((1, 2, 3, 4, 5), (6, 8, 16, 33, 37))[0]
                title = None if random.random() < 0.4 else random.choice(REVIEW_TITLES[rating])
                day = _later(random, order.day, 5, 60)
                yield number, line.product_id, order.customer_id, rating, title, day


def _later(random: Random, day: date, low: int, high: int) -> str:
    """A day `low` to `high` days after `day`, but not in the future of the shop."""
    return min(day + timedelta(days=random.randint(low, high)), LAST_DAY).isoformat()
