"""Alembic's migrations, run by `adept.store.schema`. A released one never changes."""
