"""Charts of results: what fits is found from the columns and rows alone."""

from farm.charts.chart import chart
from farm.charts.plan import TITLES, kinds

__all__ = ["TITLES", "chart", "kinds"]
