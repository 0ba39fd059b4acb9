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
from adept.access.roles import Role
from adept.web.service import Service
from adept.web.ui import times, words
from adept.web.ui.troubles import Notice, Trouble, sentence

THEME_COOKIE = "adept_theme"
THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation, for who has the role."""

    href: str
    icon: str
    label: str
    role: Role = Role.VIEWER


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
        "Settings",
        (
            Place("/settings/dep-accounts", "accounts", "DEP Accounts"),
            Place("/people", "people", "People", Role.ADMIN),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who is known looks at a page."""

    request: Request
    service: Service
    caller: Caller

    def show(
        self,
        template: str,
        *,
        here: str,
        status: int | None = None,
        notices: Sequence[Notice] = (),
        trouble: Trouble | None = None,
        **values: Any,
    ) -> Response:
        """The page; `here` is the entry of the navigation it belongs to.

        `trouble` is what became of a form: its errors stand at their fields, the rest of it at the top of the page, and
        it gives the status. What `go` said is done is told at the top too.
        """
        told = trouble.notices if trouble is not None else done_notices(self.request)
        return show(
            self.request,
            template,
            status=status or (trouble.status if trouble is not None else 200),
            errors=trouble.errors if trouble is not None else {},
            now=self.service.now(),
            navigation=_navigation_for(self.caller.role),
            here=here,
            this_address=_address_of(self.request),
            user={
                "name": self.caller.actor.name,
                "role": self.caller.role,
                "is_person": self.caller.session_id is not None,
            },
            may=self.caller.role.covers,
            notices=(*told, *notices),
            **values,
        )

    def part(self, template: str, **values: Any) -> str:
        """A part of a page, for who looks at it already."""
        given = {"now": self.service.now(), "may": self.caller.role.covers, "typed": {}, "errors": {}, **values}
        return _environment().get_template(template).render(given)

    def go(self, path: str, **query: str) -> Response:
        """Look there next (303): after every form that did something, so that a reload does it no second time.

        `done="user_added"` has the next page tell what `words.DONE` says of it.
        """
        return go(path, **query)


def show(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page for somebody who need not be known."""
    chosen = request.cookies.get(THEME_COOKIE)
    given = {"theme": chosen if chosen in THEMES else None, "typed": {}, "errors": {}, "notices": (), **values}
    text = _environment().get_template(template).render(given)
    return HTMLResponse(text, status_code=status, headers={"Cache-Control": "no-store"})


def go(path: str, **query: str) -> Response:
    """Look there next (303)."""
    return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, status_code=303)


def done_notices(request: Request) -> Sequence[Notice]:
    """What the page that sent somebody here says is done."""
    told = words.DONE.get(request.query_params.get("done", ""))
    return () if told is None else (Notice("success", told),)


def _address_of(request: Request) -> str:
    """The path and query of a page, for coming back to it."""
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


def _navigation_for(role: Role) -> list[Group]:
    """What somebody with the role is shown of it."""
    return [
        Group(group.label, tuple(place for place in group.places if role.covers(place.role)))
        for group in NAVIGATION
        if any(role.covers(place.role) for place in group.places)
    ]


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
        "user_states": words.USER_STATES,
        "token_states": words.TOKEN_STATES,
        "keypair_states": words.KEYPAIR_STATES,
        "hold_states": words.HOLD_STATES,
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
        "sentence": sentence,
        "with_query": _with_query,
    }
    return environment


def _number(value: float) -> str:
    """With its thousands grouped."""
    return f"{value:,}"


@pass_context
def _with_query(context: Context, path: str, **changes: str | None) -> str:
    """The path with the query of this page, changed: None takes a parameter away."""
    query = {**context.get("query", {}), **changes}
    kept = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path
