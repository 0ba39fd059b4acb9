"""How much a client may send, and how long it may take."""

from __future__ import annotations

JSON_LIMIT_BYTES = 1024 * 1024  # any request's body
TOKEN_LIMIT_BYTES = 64 * 1024  # a token file, bare or in a form; Apple's are 3 KB

HEAD_LIMIT_BYTES = 64 * 1024  # request line and headers
HEAD_TIMEOUT_S = 10.0  # from a connection's or request's first moment until its headers are complete
BODY_PAUSE_S = 10.0  # between two parts of a body
BODY_TIMEOUT_S = 60.0  # a whole body
ANSWER_PAUSE_S = 30.0  # while the client takes nothing of the answer

KEEP_ALIVE_S = 30  # an idle connection
LINGER_S = 5.0  # for the rest of a body that nobody reads any more, before the connection is closed
CONNECTIONS = 800  # at once; a process usually may have 1024 files open
