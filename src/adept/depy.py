"""DEPy's class on top of `adept.Client`: `from adept.depy import DEPy` in place of `from depy import DEPy`.

DEPy (Pepijn Bruienne, 2016) was the Mac administrators' first way to DEP from Python 2. The class here has its
commands, arguments and attributes and gives back Apple's JSON as plain dictionaries, so that its scripts run on with
Python 3. What differs: nothing is printed and nothing exits; where DEPy ended the program an error of
`adept.errors` is raised, Apple's refusals as `Refused` (DEPy handed their text back, or asked for ever on a standing
403). What DEPy printed goes to the logger `adept.depy` at level INFO. As there, there is no disown.

    import logging
    from adept.depy import DEPy

    logging.basicConfig(format="%(message)s")
    logging.getLogger("adept.depy").setLevel(logging.INFO)
    mydep = DEPy()
    mydep.init_stoken("/path/to/stoken.json")
    print(mydep.account_info())

The file is the decrypted server token (`adept token decrypt` writes it).
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlencode

import msgspec

from adept.client.call import Call, Repeat
from adept.client.client import Client
from adept.client.clock import utc_now
from adept.client.endpoints import fetch_devices
from adept.client.exchange import Exchange
from adept.client.setup import APPLE_URL, check_base_url
from adept.client.transport import SyncHttp
from adept.errors import Misuse, TokenFileError
from adept.protocol.answers import UNREADABLE, malformed, mend_text
from adept.protocol.server_token import ServerToken

log = logging.getLogger("adept.depy")

Json: TypeAlias = dict[str, Any]

PREFIXES = {"consumer_secret": "CS_", "access_token": "AT_", "consumer_key": "CK_", "access_secret": "AS_"}
NO_EXPIRY = "9999-12-31T23:59:59Z"  # DEPy asked for the four secrets only


class DEPy:
    """Apple's service by the eight commands of DEPy, for one thread; a context manager if you like.

    `dep_api_url` may be set at any time, with or without a closing slash; http is for this machine only. `myprofile` is
    DEPy's sample of a profile; `mytoken` is the server token as a dictionary once `init_stoken` has read it.
    """

    def __init__(self, *, http: SyncHttp | None = None, now: Callable[[], datetime] = utc_now) -> None:
        """As DEPy, without arguments; `http` and `now` are `Client`'s, for proxies and tests."""
        self.dep_api_url = f"{APPLE_URL}/"
        self.mytoken: Json | None = None
        self.myprofile: Json = sample_profile()
        self._http = http
        self._now = now
        self._token: ServerToken | None = None
        self._client: Client | None = None
        self._teller = _Teller(now)

    def __enter__(self) -> DEPy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. DEPy had no such thing; they are closed with the object as well."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def init_stoken(self, stoken: str | Path) -> None:
        """Read the decrypted server token from a JSON file; TokenFileError, by the key's name, if it is not right."""
        values = _read_object(stoken)
        for key, prefix in PREFIXES.items():
            if not str(values.get(key, "")).startswith(prefix):
                raise TokenFileError(f"{key} in the stoken file {str(stoken)!r} does not begin with {prefix}")
        self._token = ServerToken.from_json(msgspec.json.encode({"access_token_expiry": NO_EXPIRY} | values))
        self.mytoken = values
        self.close()

    @property
    def auth_session_token(self) -> str:
        """The session's token; `deadbeef`, as in DEPy, before there is one."""
        return (self._client and self._client.session.held.token) or "deadbeef"

    @property
    def auth_timestamp(self) -> str | int:
        """The first ten characters of the session's token, which happen to be the time it was made; 0 before."""
        return self.auth_session_token[:10] if self.auth_session_token != "deadbeef" else 0  # noqa: S105 # no secret

    def get_auth_token(self) -> tuple[str, str | int]:
        """Open a new session; returns its token and `auth_timestamp`. The commands do this by themselves."""
        client = self._connected()
        self._teller.sending = ""
        client.renew_session(client.session.held)
        return self.auth_session_token, self.auth_timestamp

    def account_info(self) -> Json:
        """Who the token belongs to: server_name, server_uuid, admin_id, org_name, org_email, org_phone, org_address…"""
        log.info("Retrieving DEP account info...")
        return self.send_request("account", "get")

    def get_devices(self, cursor: str | None = None, limit: int | None = None) -> Json:
        """A page of all devices: {"devices": […], "cursor", "fetched_until", "more_to_follow"}.

        `cursor` is an earlier page's, to go on from there; `limit` how many devices at most, 1 to 1000 (Apple sends 100
        by itself).
        """
        log.info("Retrieving devices...")
        return self._ask(_plain(fetch_devices(cursor, limit=limit)))

    def get_device_info(self, devices: str | Sequence[str] | Mapping[str, Any]) -> Json:
        """What Apple knows of some devices: {"devices": {serial number: {…, "response_status"}}}.

        `devices` is a serial number, a list of them, or {"devices": […]}.
        """
        return self.send_request("devices", "post", jsondata=_devices(devices))

    def sync_devices(self, scope: str | Mapping[str, Any]) -> Json:
        """What changed since a cursor, in the form of `get_devices`, with op_type and op_date for each device.

        `scope` is {"cursor": …, "limit": …}, of which the limit may be missing, or the cursor alone.
        """
        return self.send_request("devices/sync", "post", jsondata=_scope(scope))

    def get_profile(self, profileuuid: str | Mapping[str, Any]) -> Json:
        """The profile of that UUID, given as such or as {"profile_uuid": …}."""
        uuid = profileuuid.get("profile_uuid") if isinstance(profileuuid, Mapping) else profileuuid
        return self.send_request("profile", "get", params={"profile_uuid": _text(uuid, "profile_uuid")})

    def add_profile(self, profile: Mapping[str, Any]) -> Json:
        """Define a profile: {"profile_uuid": …, "devices": {serial number: status}}. Each call makes a new one.

        Needed are profile_name and url; `myprofile` is an example.
        """
        return self.send_request("profile", "post", jsondata=_object_given(profile, "a profile"))

    def assign_profile(self, profileassignment: Mapping[str, Any]) -> Json:
        """Give a profile to devices: {"devices": {serial number: status}}.

        `profileassignment` is {"profile_uuid": …, "devices": […]}.
        """
        given = _object_given(profileassignment, "an assignment")
        return self.send_request("profile/devices", "post", jsondata=given)

    def remove_profile(self, devices: str | Sequence[str] | Mapping[str, Any]) -> Json:
        """Take their profile away from devices, given as to `get_device_info`: {"devices": {serial number: status}}."""
        return self.send_request("profile/devices", "delete", jsondata=_devices(devices))

    def send_request(
        self,
        endpoint: str,
        method: str,
        jsondata: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Json:
        """Any request by path ("profile/devices") and method ("post"), with a JSON body or a query.

        The session is renewed once if need be; nothing else is repeated, but that assigning goes on by PUT after a 405.
        An empty answer is an empty dictionary.
        """
        path, verb = f"/{endpoint.strip('/')}", method.upper()
        body = None if jsondata is None else msgspec.json.encode(jsondata)
        other = "PUT" if (verb, path) == ("POST", "/profile/devices") else None
        query = f"?{urlencode(params)}" if params else ""
        about = f"sending {verb} {path}"
        return self._ask(Call(verb, path + query, about, _decode, body, Repeat.NEVER, other))

    def _ask(self, call: Call[Json]) -> Json:
        client = self._connected()
        self._teller.sending = _told(call)
        log.info("%s", self._teller.sending)
        return client.send(call)

    def _connected(self) -> Client:
        """The client for the token and the URL as they are now."""
        if self._token is None:
            raise Misuse("no server token loaded", way_out="call init_stoken with the path of stoken.json")
        url = check_base_url(self.dep_api_url)
        if self._client is None or self._client.setup.base_url != url:
            self.close()
            self._client = Client(self._token, base_url=url, http=self._http, now=self._now, record=self._teller)
            weakref.finalize(self, self._client.close)
        return self._client


class _Teller:
    """Tells of each session that is opened what DEPy told, and that the command is sent again."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.sending = ""
        self._now = now

    def __call__(self, exchange: Exchange) -> None:
        if exchange.request.path != "/session" or exchange.answer.status != 200:
            return
        log.info("Token expired, updating")
        log.info("Token generated at %s", _generated_at(exchange.answer.body, self._now()))
        if self.sending:
            log.info("%s", self.sending)


def sample_profile() -> Json:
    """A profile as DEPy's `myprofile` shows one: supervised, not removable, with the panes of 2016 skipped."""
    panes = "Location Restore Android AppleID TOS Siri Diagnostics Biometric Payment Zoom FileVault"
    return {
        "profile_name": "Test Profile",
        "url": "https://mdm.acmeinc.com/getconfig",
        "org_magic": "913FABBB-0032-4E13-9966-D6BBAC900331",
        "department": "IT Department",
        "support_phone_number": "1-555-555-5555",
        "support_email_address": "org-email@example.com",
        "is_supervised": True,
        "is_mandatory": False,
        "is_mdm_removable": False,
        "allow_pairing": True,
        "await_device_configured": False,
        "skip_setup_items": panes.split(),
        "devices": [],
    }


def _told(call: Call[Json]) -> str:
    """What DEPy printed before a request."""
    place, _, query = call.path.removeprefix("/").partition("?")
    if call.body is not None:
        return f"Sending JSON data to {place} via {call.method.lower()}"
    if query:
        return f"Sending query string {query} to {place} via {call.method.lower()}"
    return f"Sending {place} call via {call.method.lower()}"


def _generated_at(body: bytes, now: datetime) -> str:
    """When a session was made: by its token's first ten digits, else now; in local time, as DEPy."""
    try:
        token = msgspec.json.decode(body, type=dict[str, str])["auth_session_token"]
        moment = datetime.fromtimestamp(int(token[:10]), tz=UTC)
    except (*UNREADABLE, KeyError, OSError):
        moment = now
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def _plain(call: Call[Any]) -> Call[Json]:
    return Call(call.method, call.path, call.about, _decode, call.body, call.repeat, call.fallback_method)


def _decode(body: bytes, *, endpoint: str) -> Json:
    if not body.strip():
        return {}
    try:
        value: Json = msgspec.json.decode(mend_text(body), type=dict[str, Any])
    except UNREADABLE as error:
        raise malformed(body, str(error), endpoint=endpoint, what="a JSON object") from error
    return value


def _devices(devices: str | Sequence[str] | Mapping[str, Any]) -> Json:
    if isinstance(devices, Mapping):
        return dict(devices)
    if isinstance(devices, str):
        return {"devices": [devices]}
    if isinstance(devices, list | tuple | set | frozenset):
        return {"devices": list(devices)}
    raise Misuse(f"devices come as a serial number, a list or a dictionary, not as {type(devices).__name__}")


def _scope(scope: str | Mapping[str, Any]) -> Json:
    given = {"cursor": scope} if isinstance(scope, str) else _object_given(scope, "a scope")
    return given | {"cursor": _text(given.get("cursor"), "cursor")}


def _object_given(value: Mapping[str, Any], what: str) -> Json:
    if not isinstance(value, Mapping):
        raise Misuse(f"{what} comes as a dictionary, not as {type(value).__name__}")
    return dict(value)


def _text(value: object, key: str) -> str:
    if not isinstance(value, str) or not value:
        raise Misuse(f"{key} is missing")
    return value


def _read_object(path: str | Path) -> Json:
    try:
        value: Json = msgspec.json.decode(Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf"), type=dict[str, Any])
    except OSError as error:
        raise TokenFileError(f"can't read the stoken file {str(path)!r}: {error.strerror or error}") from error
    except UNREADABLE:  # without its cause, which would carry the secrets along
        raise TokenFileError(f"the stoken file {str(path)!r} is not a JSON object") from None
    return value
