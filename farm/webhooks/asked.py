"""What a batch may ask for: addresses that this farm is set up to tell."""

from collections.abc import Iterable

from farm.settings import Settings
from farm.webhooks.address import MOST, BadWebhook, parsed


def checked(settings: Settings, urls: Iterable[str]) -> tuple[str, ...]:
    """The addresses, each once; raises BadWebhook where one of them could not be told."""
    found = tuple(dict.fromkeys(urls))
    if not found:
        return ()
    if not settings.webhook_hosts:
        raise BadWebhook("webhooks are off here: set FARM_WEBHOOK_HOSTS to the hosts that may be told")
    if not settings.webhook_secrets:
        raise BadWebhook(
            "webhooks are never sent unsigned: set FARM_WEBHOOK_SECRET; docs/settings.md says how"
        )
    if len(found) > MOST:
        raise BadWebhook(f"{len(found)} webhooks for one batch: {MOST} at most can be told")
    for url in found:
        parsed(url, settings.webhook_hosts)
    return found
