"""The store: tables and every statement on them. SQL lives in this package only.

`database.open_store` opens one; the modules here are named after the words of the glossary, and their functions take
the transaction first. Nothing in it decides what should be written.
"""
