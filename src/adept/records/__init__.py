"""What is stored, as it is shown: one shape each for the API, the page and the command line."""
