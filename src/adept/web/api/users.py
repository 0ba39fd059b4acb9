"""Users and their sessions. Administrators look after everybody, everybody after their own password and sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from adept.access import users
from adept.access.sessions import end_session, end_sessions
from adept.records.access import SessionRecord, UserRecord, one_user, session_list, user_list, user_record
from adept.records.lists import ItemList
from adept.web.access import AdminDep, Role, ViewerDep, is_user, needs_admin_or, visitor_of
from adept.web.etags import etag, precondition_required, version_in
from adept.web.problems import responses
from adept.web.service import ServiceDep

router = APIRouter(prefix="/users", tags=["access"])

Name = Annotated[str, Path(max_length=200, examples=["ann"])]
IfMatch = Annotated[str | None, Header(description="The ETag of what was looked at.", examples=['"v3"'])]


class NewUser(BaseModel):
    """A person who shall be able to log in."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"name": "ann", "role": "operator", "password": "twelve or more"}},
    )

    name: str = Field(max_length=200, description="Up to 64 of a-z, 0-9 and . _ @ + -.")
    role: Role
    password: SecretStr = Field(max_length=1000, description="12 characters or more.")


class UserEdit(BaseModel):
    """What changes about a user; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"role": "viewer", "disabled": False}})

    role: Role | None = None
    disabled: bool | None = Field(default=None, description="True ends all sessions and lets none begin.")

    def changes(self, user: UserRecord) -> bool:
        """Whether the user isn't as wanted already."""
        is_disabled = user.disabled_at is not None
        return self.role not in (None, user.role) or self.disabled not in (None, is_disabled)


class NewPassword(BaseModel):
    """Another password. Who changes their own says the old one as well."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"password": "another twelve or more"}})

    password: SecretStr = Field(max_length=1000, description="12 characters or more.")
    old_password: SecretStr | None = Field(default=None, max_length=1000)


class EndedRecord(BaseModel):
    """How many sessions were ended."""

    user: str
    sessions: int


@router.get("")
async def list_(_caller: AdminDep, service: ServiceDep) -> ItemList[UserRecord]:
    """Every user, by name."""
    return ItemList(items=await user_list(service.store))


@router.post("", status_code=201, responses=responses(409, 429))
async def add(body: NewUser, caller: AdminDep, service: ServiceDep, response: Response) -> UserRecord:
    """Add a user."""
    caller.check_may_give(body.role, may_read_secrets=body.role is Role.ADMIN)
    user = await users.add_user(
        service.store,
        body.name,
        role=body.role,
        password=body.password.get_secret_value(),
        by=caller.actor,
        now=service.now,
    )
    response.headers["Location"] = f"/api/v1/users/{user.name}"
    return _tagged(user_record(user), response)


@router.get("/{name}", responses=responses(404))
async def show(name: Name, _caller: AdminDep, service: ServiceDep, response: Response) -> UserRecord:
    """One user; its ETag is for changing it."""
    return _tagged(await one_user(service.store, name), response)


@router.put("/{name}", responses=responses(404, 409, 428))
async def change(
    name: Name,
    body: UserEdit,
    caller: AdminDep,
    service: ServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> UserRecord:
    """Change a user's role, or whether they can log in. The last administrator stays one."""
    if body.role is not None:
        caller.check_may_give(body.role, may_read_secrets=body.role is Role.ADMIN)
    version = version_in(if_match)
    if version is None and body.changes(await one_user(service.store, name)):
        raise precondition_required(f"the user {name}")
    changed = await users.change_user(
        service.store,
        name,
        role=body.role,
        disabled=body.disabled,
        version=version,
        by=caller.actor,
        now=service.now,
    )
    return _tagged(user_record(changed), response)


@router.put("/{name}/password", responses=responses(404, 429))
async def set_password(
    name: Name, body: NewPassword, caller: ViewerDep, service: ServiceDep, request: Request, response: Response
) -> UserRecord:
    """Give a user another password; their sessions end, but for the one that says so."""
    new = body.password.get_secret_value()
    if is_user(name, caller):
        changed = await users.change_own_password(
            service.store,
            caller.actor.name,
            old=body.old_password.get_secret_value() if body.old_password is not None else "",
            new=new,
            session_id=caller.session_id,
            visitor=visitor_of(request),
            by=caller.actor,
            now=service.now,
        )
    else:
        needs_admin_or(name, caller)
        role = (await one_user(service.store, name)).role
        caller.check_may_give(role, may_read_secrets=role is Role.ADMIN)
        changed = await users.set_password(service.store, name, new, by=caller.actor, now=service.now)
    return _tagged(user_record(changed), response)


@router.get("/{name}/sessions", responses=responses(404))
async def sessions(name: Name, caller: ViewerDep, service: ServiceDep) -> ItemList[SessionRecord]:
    """The user's open sessions; everybody sees their own."""
    needs_admin_or(name, caller)
    return ItemList(items=await session_list(service.store, name, now=service.now()))


@router.delete("/{name}/sessions", responses=responses(404))
async def end_all(name: Name, caller: ViewerDep, service: ServiceDep) -> EndedRecord:
    """End all of the user's sessions, the one that asks for it too."""
    needs_admin_or(name, caller)
    ended = await end_sessions(service.store, name, by=caller.actor, now=service.now)
    return EndedRecord(user=name, sessions=ended)


@router.delete("/{name}/sessions/{session_id}", status_code=204, responses=responses(404))
async def end_one(
    name: Name, session_id: Annotated[int, Path(ge=1, lt=2**53)], caller: ViewerDep, service: ServiceDep
) -> None:
    """End one of the user's sessions."""
    needs_admin_or(name, caller)
    await end_session(service.store, name, session_id, by=caller.actor, now=service.now)


def _tagged(user: UserRecord, response: Response) -> UserRecord:
    response.headers["ETag"] = etag(user.version)
    return user
