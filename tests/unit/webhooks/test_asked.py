"""Asking for webhooks: what the settings must say first, and how the command line tells of them."""

import pytest

from farm.errors import BadSetting
from farm.settings import Settings

KEY = "whsec_" + "A" * 44


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"webhook_hosts": ["*.example.com"]}, r"webhook_hosts: '\*.example.com' is no host"),
        ({"webhook_hosts": ["https://hooks.example.com"]}, "is no host"),
        ({"webhook_hosts": ["hooks.example.com/farm"]}, "is no host"),
        ({"webhook_hosts": ["user@hooks.example.com"]}, "is no host"),
        ({"webhook_hosts": ["hooks.example.com:65536"]}, "is no host"),
        ({"webhook_hosts": ["[::1.2]:80"]}, "is no host"),
        ({"webhook_secret": "c4nary"}, "webhook_secret: a secret is whsec_"),
        ({"webhook_secret": "whsec_c4nary=="}, "24 to 64 random bytes"),
        ({"webhook_secret": f"{KEY} c4nary"}, "24 to 64 random bytes"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_without_their_secrets(arguments, said):
    with pytest.raises(BadSetting, match=said) as caught:
        Settings.load(**arguments)
    assert "c4nary" not in str(caught.value)


def test_two_secrets_may_stand_side_by_side_and_hosts_are_spelt_alike():
    other = "whsec_" + "B" * 44
    settings = Settings.load(webhook_secret=f"{KEY} {other}\n", webhook_hosts=["Hooks.Example.com:8443"])
    assert settings.webhook_secrets == (KEY, other)
    assert settings.webhook_hosts == ("hooks.example.com:8443",)
    assert settings.secrets() >= {KEY, other, "B" * 44}
