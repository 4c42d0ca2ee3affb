import ssl

import pymysql
import pytest

from farm.targets.mysql.session import arguments, blames_query, timed_out, words


def test_a_url_becomes_the_drivers_arguments() -> None:
    assert arguments("mariadb://us%40er:p%2Fw%E2%82%AC@[::1]:3307/my%20shop") == {
        "host": "::1",
        "port": 3307,
        "user": "us@er",
        "password": "p/w€".encode(),
        "database": "my shop",
        "charset": "utf8mb4",
    }
    assert arguments("mysql://host/shop")["port"] == 3306
    assert arguments("mysql://root@/shop?unix_socket=%2Frun%2Fs")["unix_socket"] == "/run/s"


@pytest.mark.parametrize(
    ("options", "certificate", "name"),
    [
        ("ssl_verify_cert=true", True, True),
        ("ssl_verify_identity=true", True, True),
        ("ssl_verify_identity=false", True, False),
        ("ssl_verify_cert=false", False, False),
    ],
)
def test_tls_verifies_unless_told_otherwise(options: str, certificate: bool, name: bool) -> None:
    context = arguments(f"mysql://host/shop?{options}")["ssl"]
    assert (context.verify_mode is ssl.CERT_REQUIRED, context.check_hostname) == (certificate, name)


@pytest.mark.parametrize("options", ["local_infile=1", "init_command=x", "ssl_verify_cert=maybe", "ssl_ca"])
def test_other_options_are_not_taken(options: str) -> None:
    with pytest.raises((ValueError, LookupError)):
        arguments(f"mysql://host/shop?{options}")


@pytest.mark.parametrize(
    ("code", "blamed", "late"),
    [
        (1054, True, False),  # unknown column
        (1064, True, False),  # syntax
        (1142, True, False),  # no right to the table
        (1205, False, False),  # lock wait
        (1969, False, True),  # MariaDB's time-out
        (3024, False, True),  # MySQL's time-out
        (2013, False, False),  # connection lost
        (1040, False, False),  # too many connections
    ],
)
def test_faults_of_the_query_are_told_from_those_of_the_server(code: int, blamed: bool, late: bool) -> None:
    error = pymysql.err.OperationalError(code, "said")
    assert blames_query(error) is blamed
    assert timed_out(error) is late


def test_a_syntax_error_is_told_shortly_and_with_its_line() -> None:
    error = pymysql.err.ProgrammingError(
        1064,
        "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server "
        "version for the right syntax to use near 'WHER 1' at line 2",
    )
    assert words(error, "SELECT 1\nFROM t WHER 1") == (
        "syntax error near 'WHER 1' at line 2\nLINE 2: FROM t WHER 1"
    )
