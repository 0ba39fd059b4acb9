"""Which base URL an account gets, and which way leads there.

The operator's own is taken without a question, and asked as it is. Another one has to be allowed by the rule of
`adept.accounts.addresses`, when it is set and again at each connection.
"""

from __future__ import annotations

from adept.accounts.addresses import check_address, public_addresses
from adept.client.guard import GuardedTransport
from adept.client.setup import APPLE_URL, check_base_url
from adept.client.transport import has_proxy
from adept.settings import Settings
from adept.web.service import Service


def default_base_url(settings: Settings) -> str:
    """The base URL of accounts that name none: the operator's setting, else Apple's."""
    return check_base_url(settings.url or APPLE_URL)


async def wanted_base_url(service: Service, url: str, *, current: str | None = None) -> str:
    """The base URL as it is kept. Misuse for one that can't be, or that leads to a private address.

    Not looked at again are the operator's own, and the one that the account has already.
    """
    checked = check_base_url(url)
    if checked in (default_base_url(service.settings), current):
        return checked
    return await check_address(checked, allow_private=service.settings.allow_private_addresses)


def way_to(base_url: str, settings: Settings) -> GuardedTransport | None:
    """The `http` for a client of that base URL; None where it may lead anywhere.

    It may where the operator said so, and where a proxy of the operator's is asked: that looks the name up, and
    decides what it connects to.
    """
    is_operators = settings.allow_private_addresses or base_url == default_base_url(settings)
    return None if is_operators or has_proxy(base_url) else GuardedTransport(public_addresses)
