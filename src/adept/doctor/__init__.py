"""What may be wrong around adept: facts are observed by thin functions, and judged by pure ones."""
