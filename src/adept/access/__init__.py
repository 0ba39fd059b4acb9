"""Who may do what: users, their sessions and passwords, API keys."""
