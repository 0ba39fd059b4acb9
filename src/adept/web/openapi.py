"""The description of the API (OpenAPI 3.1), made from the routes.

What holds for every route is added here rather than said at each: who may call it, and the problems that the frame or
the way in may answer.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from adept import __version__
from adept.web.access import Needs
from adept.web.problems import PROBLEMS, Problem

DESCRIPTION = """
What `adept serve` offers to programs. Times are RFC 3339 in UTC. Lists are `{"items": […], "next_cursor": …}`: give
`next_cursor` back as `cursor` for what follows; it is null at the end.

Errors are [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problems with a stable word in `code`, what to do in
`way_out`, and the `request_id` under which the service's log has them.

Show an API key as `Authorization: Bearer KEY`, or by HTTP Basic as the password of any user; browsers log in. A role
covers the ones before it: viewer, operator, admin.
"""

TAGS = [
    {"name": "accounts", "description": "MDM servers of Apple's portal: their certificates, tokens, holds and pauses."},
    {"name": "passes", "description": "Walks over accounts: asked for, followed, looked up."},
    {"name": "devices", "description": "The inventory of all accounts, searched, exported, asked about."},
    {"name": "changes", "description": "What passes found new, in the order in which it was stored; skips nothing."},
    {"name": "health", "description": "How the accounts are, and what to do."},
    {"name": "access", "description": "Users, sessions, API keys and the audit log."},
    {"name": "doors", "description": "Commandment's two addresses for certificate and token."},
    {"name": "service", "description": "The process itself."},
]

SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "key_as_password": {"type": "http", "scheme": "basic", "description": "An API key as password; any user name."},
    "session": {"type": "apiKey", "in": "cookie", "name": "adept_session", "description": "A user's session."},
}

_ANY = (400, 421, 500, 503)
_KNOWN_CALLERS = (401, 403)
_ONLY_FROM_HERE = (403,)  # what changes something is refused from other sites' pages
_WITH_BODY = (408, 413, 422)


def describe(app: FastAPI) -> dict[str, Any]:
    """The document. Made once for an application: its routes don't change."""
    if app.openapi_schema is None:
        document = get_openapi(
            title="adept",
            version=__version__,
            summary="Apple's Device Enrollment Program, kept current",
            description=DESCRIPTION.strip(),
            routes=app.routes,
            tags=TAGS,
        )
        _add_components(document)
        roles = roles_needed(app)
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                _complete(operation, method.upper(), roles.get((method.upper(), path)))
        app.openapi_schema = document
    return app.openapi_schema


def roles_needed(app: FastAPI) -> dict[tuple[str, str], str]:
    """The role that each route needs, by method and path; public routes are not in it."""
    found: dict[tuple[str, str], str] = {}
    for context in iter_route_contexts(app.routes):
        dependant = getattr(context, "dependant", None)
        role = _role(dependant) if isinstance(dependant, Dependant) else None
        if role is not None and context.path_format is not None:
            found |= {(method, context.path_format): role for method in context.methods or ()}
    return found


def _role(dependant: Dependant) -> str | None:
    if isinstance(dependant.call, Needs):
        return str(dependant.call.role)
    return next((role for inner in dependant.dependencies if (role := _role(inner))), None)


def _add_components(document: dict[str, Any]) -> None:
    components = document.setdefault("components", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= {"Problem": {name: part for name, part in problem.items() if name != "$defs"}, **problem["$defs"]}
    components["securitySchemes"] = SCHEMES


def _complete(operation: dict[str, Any], method: str, role: str | None) -> None:
    """Say who may call it, and every problem that may come of it."""
    statuses = {*_ANY}
    if role is not None:
        operation["security"] = [{name: []} for name in SCHEMES]
        operation["description"] = f"{operation.get('description', '')}\n\nNeeds the role **{role}**.".strip()
        statuses |= {*_KNOWN_CALLERS}
    if method not in ("GET", "HEAD"):
        statuses |= {*_ONLY_FROM_HERE}
    if "requestBody" in operation:
        statuses |= {*_WITH_BODY}
    if "parameters" in operation:
        statuses |= {422}
    responses = operation.setdefault("responses", {})
    if 422 in statuses:
        responses.pop("422", None)  # the framework's own idea of it
    for status in sorted(statuses):
        responses.setdefault(str(status), PROBLEMS[status])
