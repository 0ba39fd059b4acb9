"""Everything at a glance, as GET /state and the portal's page show it. Holds no secrets."""

from __future__ import annotations

from typing import Any

from adept.simulator.clock import as_apple_time
from adept.simulator.organisation import MdmServer, Organisation
from adept.simulator.world import Settings, World


def state_of(world: World, settings: Settings) -> dict[str, Any]:
    """Time, organisations, servers, faults and counts of a world."""
    return {
        "now": as_apple_time(world.clock.now()),
        "seed": settings.seed,
        "hostile": settings.hostile,
        "organizations": [_organisation(owner) for owner in world.truth.organisations.values()],
        "servers": [_server(server) for server in world.truth.servers.values()],
        "faults": world.faults.as_json(),
        "sessions": len(world.sessions),
        "requests": world.log.count,
    }


def _organisation(owner: Organisation) -> dict[str, Any]:
    return {
        "name": owner.name,
        "type": owner.type,
        "version": owner.version,
        "terms_signed": owner.terms_signed,
        "unassigned": len(owner.unassigned),
    }


def _server(server: MdmServer) -> dict[str, Any]:
    return {
        "name": server.name,
        "uuid": server.uuid,
        "organization": server.organisation.name,
        "devices": len(server.roster),
        "operations": len(server.log),
        "profiles": len(server.profiles),
        "has_certificate": server.certificate is not None,
        "token_expiry": server.credentials.expiry_text if server.credentials else None,
    }
