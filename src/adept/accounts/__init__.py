"""Accounts: the token exchange with Apple's portal, renewal, identity and health."""
