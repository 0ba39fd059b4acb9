"""The sync engine: walks an account's devices page by page and never loses one.

`cursor` and `changes` decide (pure); `pages`, `reconcile` and `holds` act in transactions; `engine` runs a pass.
"""
