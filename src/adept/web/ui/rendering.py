"""A visit: who looks at which page, and the answer. Views say what a page shows; how it is framed stands here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from adept.access.caller import Caller
from adept.web.service import Service
from adept.web.ui import times, words

THEME_COOKIE = "adept_theme"
THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation."""

    href: str
    icon: str
    label: str


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that stand together, under a label where there is one."""

    label: str | None
    places: tuple[Place, ...]


NAVIGATION = (
    Group(
        None,
        (
            Place("/", "overview", "Overview"),
            Place("/devices", "devices", "Devices"),
            Place("/activity", "activity", "Activity"),
        ),
    ),
    Group(
        "Settings", (Place("/settings/dep-accounts", "accounts", "DEP Accounts"), Place("/people", "people", "People"))
    ),
)


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence at the top of a page; `kind` is danger, warning, success or info."""

    kind: str
    message: str
    way_out: str | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who is known looks at a page."""

    request: Request
    service: Service
    caller: Caller

    def show(
        self, template: str, *, here: str, status: int = 200, notices: Sequence[Notice] = (), **values: Any
    ) -> Response:
        """The page; `here` is the entry of the navigation it belongs to."""
        return show(
            self.request,
            template,
            status=status,
            now=self.service.now(),
            navigation=NAVIGATION,
            here=here,
            user={"name": self.caller.actor.name, "role": self.caller.role},
            may=self.caller.role.covers,
            notices=notices,
            **values,
        )

    def go(self, path: str, **query: str) -> Response:
        """Look there next (303): after every form that did something, so that a reload does it no second time."""
        return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, status_code=303)


def show(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page for somebody who need not be known."""
    chosen = request.cookies.get(THEME_COOKIE)
    text = _environment().get_template(template).render(theme=chosen if chosen in THEMES else None, **values)
    return HTMLResponse(text, status_code=status, headers={"Cache-Control": "no-store"})


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("adept.web.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "health_words": words.HEALTH,
        "pass_states": words.PASS_STATES,
        "pass_kinds": words.PASS_KINDS,
        "change_kinds": words.CHANGE_KINDS,
        "profile_states": words.PROFILE_STATES,
        "roles": words.ROLES,
        "word_of": words.word_of,
        "family_icon": words.family_icon,
        "days_left": times.days_left,
    }
    environment.filters |= {
        "utc": times.utc,
        "iso": times.iso,
        "ago": times.ago,
        "lasted": times.lasted,
        "number": _number,
        "sentence": _sentence,
        "with_query": _with_query,
    }
    return environment


def _number(value: float) -> str:
    """With its thousands grouped."""
    return f"{value:,}"


def _sentence(text: str) -> str:
    """With a capital and a full stop, as a sentence of its own."""
    told = text[:1].upper() + text[1:]
    return told if told.endswith((".", "!", "?")) else f"{told}."


@pass_context
def _with_query(context: Context, path: str, **changes: str | None) -> str:
    """The path with the query of this page, changed: None takes a parameter away."""
    query = {**context.get("query", {}), **changes}
    kept = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path
