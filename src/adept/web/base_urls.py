"""Which base URL an account gets: the operator's own without a question, another one only if the rule allows it."""

from __future__ import annotations

from adept.accounts.addresses import check_address
from adept.client.setup import APPLE_URL, check_base_url
from adept.web.service import Service


def default_base_url(service: Service) -> str:
    """The base URL of accounts that name none: the operator's setting, else Apple's."""
    return check_base_url(service.settings.url or APPLE_URL)


async def wanted_base_url(service: Service, url: str, *, current: str | None = None) -> str:
    """The base URL as it is kept. Misuse for one that can't be, or that leads to a private address.

    Not looked at again are the operator's own, and the one that the account has already.
    """
    checked = check_base_url(url)
    if checked in (default_base_url(service), current):
        return checked
    return await check_address(checked, allow_private=service.settings.allow_private_addresses)
