"""Signatures, held to the example of the Standard Webhooks specification."""

import pytest

from farm.webhooks.signing import headers


def test_a_message_is_signed_as_the_specification_has_it():
    found = headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert found == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_nothing_is_sent_unsigned():
    with pytest.raises(ValueError, match="unsigned"):
        headers("msg_1", 1, b"{}", [])
