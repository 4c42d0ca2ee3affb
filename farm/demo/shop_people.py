"""Customers of the demonstration shop and where they live."""

from datetime import date, timedelta
from random import Random

from farm.demo.shop_words import CITIES, COUNTRY_WEIGHTS, FIRST_NAMES, LAST_NAMES, STREET_KINDS, STREETS

CUSTOMERS = 2_400
FIRST_DAY = date(2022, 9, 1)
SIGNUP_DAYS = 1_180

Row = tuple[object, ...]


def customers(random: Random) -> list[Row]:
    """Rows of `customers`, in order of signing up; a fifth signed up before the first order of the shop."""
    days = sorted(int(SIGNUP_DAYS * random.random()) for _ in range(CUSTOMERS))
    return [_customer(random, number, day) for number, day in enumerate(days, start=1)]


def _customer(random: Random, number: int, day: int) -> Row:
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    segment = "business" if random.random() < 0.22 else "consumer"
    newsletter = int(random.random() < 0.4)
    signup_date = (FIRST_DAY + timedelta(days=day)).isoformat()
    return number, f"{first} {last}", _email(random, first, last, number), segment, newsletter, signup_date


def _email(random: Random, first: str, last: str, number: int) -> str | None:
    """An address at a reserved domain; one in twelve is missing and one in six typed with capitals."""
    luck = random.random()
    if luck < 1 / 12:
        return None
    address = f"{first}.{last}{number}@example.com"
    return address if luck > 5 / 6 else address.lower()


def addresses(random: Random) -> list[Row]:
    """Rows of `addresses`: one default per customer and, for a quarter of them, a second one."""
    rows: list[Row] = []
    for customer_id in range(1, CUSTOMERS + 1):
        country = random.choices(tuple(COUNTRY_WEIGHTS), tuple(COUNTRY_WEIGHTS.values()))[0]
        for place in range(1 + (random.random() < 0.25)):
            # Someone's second address is abroad now and then, so the two ways to ask for a country differ.
            if place and random.random() < 0.3:
                country = random.choice(tuple(CITIES))
            rows.append((len(rows) + 1, customer_id, *_place(random, country), int(place == 0)))
    return rows


def _place(random: Random, country: str) -> tuple[str, str, str]:
    street = f"{random.randint(1, 180)} {random.choice(STREETS)} {random.choice(STREET_KINDS)}"
    city = random.choice(CITIES[country])
    return street, city.upper() if random.random() < 0.05 else city, country
