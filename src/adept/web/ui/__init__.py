"""The page for people: HTML that works without script, on top of the functions that the API calls."""
