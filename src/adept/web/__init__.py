"""The service: the API, its doors, and what runs beside them."""
