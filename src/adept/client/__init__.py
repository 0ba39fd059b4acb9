"""Apple is spoken to here only: endpoints and the conversation (pure), the session, and two thin clients.

endpoints ──Call──▶ conversation ──Request, Renew, Pause──▶ Client / AsyncClient ──▶ transport ──▶ Apple
"""
