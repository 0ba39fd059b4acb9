"""Dockerfile and compose file, as far as can be judged without a container engine: that what they name is there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from adept.cli.app import app
from adept.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "container"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "adept"}
OTHER_VARIABLES = {"PATH", "PYTHONDONTWRITEBYTECODE", "HEALTH_URL"}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (FOLDER / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines if line.strip())]


def all_of(word: str) -> list[str]:
    return [rest for found, rest in instructions() if found == word]


def is_setting(name: str) -> bool:
    return name.startswith(PREFIX) and name.removeprefix(PREFIX).lower() in Settings.model_fields


def test_what_is_copied_is_there_and_is_sent_to_the_engine() -> None:
    sent = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = {source for rest in all_of("COPY") if "--from" not in rest for source in rest.split()[:-1]}
    assert copied == sent
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_the_image_comes_in_two_steps_from_images_without_a_registry() -> None:
    images = [rest.split()[0] for rest in all_of("FROM")]
    assert images == ["python:3.13-slim", "python:3.13-slim"]
    named = {service["image"] for service in COMPOSE["services"].values()}
    assert all(re.fullmatch(r"[a-z]+(:[0-9.a-z-]+)?", image) for image in named)


def test_it_runs_as_nobody_and_starts_a_command_that_there_is() -> None:
    last_step = instructions()[max(i for i, (word, _) in enumerate(instructions()) if word == "FROM") :]
    assert dict(last_step)["USER"] == "10001:10001"
    entry, command = (json.loads(dict(last_step)[word]) for word in ("ENTRYPOINT", "CMD"))
    assert entry == ["adept"]
    assert app.parse_args(command, exit_on_error=False)[0].__name__ == "serve"
    (check,) = all_of("HEALTHCHECK")
    compile(json.loads(check.partition("CMD ")[2])[2], "health check", "exec")


def test_each_variable_of_the_image_is_a_setting() -> None:
    named = re.findall(r"\b([A-Z_]+)=", " ".join(all_of("ENV")))
    assert named
    assert [name for name in named if not is_setting(name) and name not in OTHER_VARIABLES] == []


def test_one_image_serves_works_and_upgrades_twice_over() -> None:
    assert set(OURS) == {"upgrade", "serve", "worker"}
    assert OURS["worker"]["deploy"]["replicas"] == 2
    assert set(COMPOSE["services"]) - set(OURS) == {"database"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_is_confined_and_its_command_is_one(name: str) -> None:
    service: dict[str, Any] = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    command, _, _ = app.parse_args(service["command"], exit_on_error=False)
    assert command.__name__ == name
    assert (FOLDER / service["build"]["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    unknown = [name for name in service["environment"] if not is_setting(name) and name not in OTHER_VARIABLES]
    assert unknown == []


def test_secrets_come_from_files_that_no_commit_takes() -> None:
    declared = COMPOSE["secrets"]
    used = {secret for service in COMPOSE["services"].values() for secret in service["secrets"]}
    assert used == set(declared)
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    for secret, where in declared.items():
        assert where["file"] == f"secrets/{secret}"
    assert "deploy/container/secrets/" in ignored
    given = {value for service in COMPOSE["services"].values() for value in service["environment"].values()}
    assert {f"/run/secrets/{secret}" for secret in declared} <= given


def test_what_is_waited_for_is_there() -> None:
    for service in COMPOSE["services"].values():
        for other, condition in service.get("depends_on", {}).items():
            assert condition["condition"] in ("service_healthy", "service_completed_successfully")
            assert condition["condition"] != "service_healthy" or "healthcheck" in COMPOSE["services"][other]
        assert set(service["networks"]) <= set(COMPOSE["networks"])
