import pytest

from farm.exports.formats import file_name


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Revenue per month?", "report-7-revenue-per-month.csv"),
        ('../../etc/passwd"\r\nX: y', "report-7-etc-passwd-x-y.csv"),
        ("Größe der Lager", "report-7-groe-der-lager.csv"),
        ("日本", "report-7.csv"),
    ],
)
def test_no_title_makes_a_dangerous_name(title: str, name: str) -> None:
    assert file_name(7, title, "csv") == name


def test_long_titles_are_cut() -> None:
    assert len(file_name(7, "word " * 100, "csv")) < 80
