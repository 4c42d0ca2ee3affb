"""Which addresses are told: those that are allowed, whichever way they are spelt."""

import pytest

from farm.settings import Settings
from farm.webhooks.address import Address, BadWebhook, forbidden, parsed, shown
from farm.webhooks.asked import checked

HOSTS = (
    "hooks.example.com",
    "hooks.example.com:8443",
    "http://receiver:8080",
    "localhost:9000",
    "[::1]:9000",
)


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("https://hooks.example.com", "https://hooks.example.com", "/"),
        ("HTTPS://Hooks.Example.com:443/a%2Fb?c=d&e", "https://hooks.example.com", "/a%2Fb?c=d&e"),
        ("https://hooks.example.com:8443/x", "https://hooks.example.com:8443", "/x"),
        ("http://receiver:8080/x", "http://receiver:8080", "/x"),
        ("http://localhost:9000/x", "http://localhost:9000", "/x"),
        ("https://localhost:9000/x", "https://localhost:9000", "/x"),
        ("http://[::1]:9000/x", "http://[::1]:9000", "/x"),
    ],
)
def test_what_is_allowed_is_taken_apart(url, origin, target):
    found = parsed(url, HOSTS)
    assert (found.origin, found.target) == (origin, target)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://elsewhere.example", "https://elsewhere.example is not among FARM_WEBHOOK_HOSTS"),
        ("https://hooks.example.com:444/", "farm add 'hooks.example.com:444'"),
        ("https://hooks.example.com./", "is not among"),
        ("https://xhooks.example.com/", "is not among"),
        ("https://hooks.example.com.evil.example/", "is not among"),
        ("https://hooks.example.com%2eevil.example/", "is not among"),
        ("http://hooks.example.com:443/", "without encryption"),
        ("http://127.0.0.1:9000/", "farm add '127.0.0.1:9000'"),
        ("https://receiver:8080/", "is not among"),
        ("https://user:c4nary@hooks.example.com/", "holds a user name or password"),
        ("https://@hooks.example.com/", "holds a user name or password"),
        ("https://evil.example\\@hooks.example.com/", "printable"),
        ("https://hooks.example.com/#evil", "holds a #"),
        ("https://hooks.example.com/\r\nx: y", "printable"),
        ("https://hooks.example.com/\N{SNOWMAN}", "printable"),
        ("https://hooks.example.com/" + "x" * 2_000, "2,000"),
        ("https://hooks.example.com:x/", "cannot be read"),
        ("https://[::1/", "cannot be read"),
        ("https:///path", "is no URL"),
        ("file:///etc/passwd", "is no URL"),
        ("hooks.example.com", "is no URL"),
        ("", "printable"),
    ],
)
def test_what_is_not_allowed_is_refused_without_repeating_its_secrets(url, said):
    with pytest.raises(BadWebhook, match=said) as caught:
        parsed(url, HOSTS)
    assert "c4nary" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://hooks.example.com/c4nary?c4nary#c4nary", "https://hooks.example.com/…"),
        ("https://hooks.example.com?c4nary", "https://hooks.example.com/…"),
        ("https://c4nary@hooks.example.com:1", "https://hooks.example.com:1"),
    ],
)
def test_people_see_the_host_alone(url, text):
    assert shown(url) == text


@pytest.mark.parametrize(
    "ip", ["8.8.8.8", "10.0.0.1", "192.168.1.1", "2606:4700::1", "fd12::1", "64:ff9b::808:808"]
)
def test_an_allowed_name_may_lead_to_public_and_private_addresses(ip):
    assert forbidden(ip, host="hooks.example.com") is None


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "::ffff:127.0.0.1",
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "100.100.100.200",
        "0.0.0.0",
        "::",
        "224.0.0.1",
    ],
)
def test_no_allowed_name_leads_to_this_machine_or_a_clouds_secrets(ip):
    assert "hooks.example.com stands for" in (forbidden(ip, host="hooks.example.com") or "")


def test_this_machine_is_told_where_it_is_named():
    assert [forbidden("127.0.0.1", host=host) for host in ("localhost", "127.0.0.1")] == [None, None]
    assert forbidden("::1", host="::1") is None
    assert forbidden("169.254.169.254", host="169.254.169.254") is not None


def test_a_batch_asks_for_each_address_once_and_for_no_more_than_five():
    settings = Settings(webhook_hosts=("hooks.example.com",), webhook_secret="whsec_" + "A" * 44)
    urls = [f"https://hooks.example.com/{number}" for number in range(6)]
    assert checked(settings, [*urls[:5], urls[0]]) == tuple(urls[:5])
    with pytest.raises(BadWebhook, match="6 webhooks for one batch: 5 at most"):
        checked(settings, urls)
    assert checked(Settings(), []) == ()


def test_an_origin_is_spelt_with_the_port_that_is_not_its_schemes():
    assert Address(scheme="https", host="::1", port=443, target="/").origin == "https://[::1]"
