"""The manual's pictures: an organisation with a past, every page and state of it in a browser (`make pictures`)."""
