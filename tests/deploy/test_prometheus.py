"""Alerts and dashboard: judged by Prometheus' own tool, and held to the metrics, labels and words that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from adept.accounts.health import Health
from tests.project.test_metrics_reference import described, told

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "deploy" / "prometheus" / "adept-alerts.yaml"
BOARD = json.loads((ROOT / "deploy" / "grafana" / "adept.json").read_text())
HOW_TO = ROOT / "docs" / "how-to" / "watch-with-prometheus.md"

LABELS = dict(map(described, told()))
VALUES: dict[str, set[str]] = {"health": {word.value for word in Health}}
for _family in told():
    for _sample in _family.samples:
        for _label, _value in _sample.labels.items():
            if _label in ("queue", "state", "kind"):
                VALUES.setdefault(_label, set()).add(_value)


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def board_expressions() -> list[str]:
    """The dashboard's questions, with its variables filled in."""
    asked = [target["expr"] for panel in BOARD["panels"] for target in panel.get("targets", [])]
    return [text.replace("$__rate_interval", "5m").replace("$account", ".*") for text in asked]


def promtool(*command: str | Path, cwd: Path) -> None:
    answer = subprocess.run(["promtool", *command], cwd=cwd, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_alert_wakes_for_what_it_says_and_for_nothing_else(tmp_path: Path) -> None:
    cases = Path(__file__).with_name("adept-alerts.test.yaml")
    for file in (ALERTS, cases):
        shutil.copy(file, tmp_path)
    promtool("check", "rules", ALERTS.name, cwd=tmp_path)
    promtool("test", "rules", cases.name, cwd=tmp_path)
    tried = {
        case["alertname"]
        for test in yaml.safe_load(cases.read_text())["tests"]
        for case in test.get("alert_rule_test", [])
    }
    assert tried == {rule["alert"] for rule in rules()}


def test_prometheus_can_answer_what_the_dashboard_asks(tmp_path: Path) -> None:
    asked = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(board_expressions())]
    (tmp_path / "board.yaml").write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": asked}]}))
    promtool("check", "rules", "board.yaml", cwd=tmp_path)


@pytest.mark.parametrize("expression", [rule["expr"] for rule in rules()] + board_expressions())
def test_what_is_asked_for_is_there(expression: str) -> None:
    names = set(re.findall(r"\b(?:adept|process)_\w+", expression))
    assert names or expression.startswith("up")
    for name in names:
        family = re.sub(r"_(bucket|count|sum)$", "", name)
        assert family in LABELS, name
    for name, matchers in re.findall(r"\b(adept_\w+)\{([^}]*)\}", expression):
        family = re.sub(r"_(bucket|count|sum)$", "", name)
        for label, words in re.findall(r'(\w+)[!=]~?"([^"]*)"', matchers):
            assert label in LABELS[family], (name, label)
            if label in VALUES:
                assert set(words.split("|")) <= VALUES[label], (name, words)


def test_the_dashboard_shows_every_metric() -> None:
    shown = " ".join(board_expressions())
    ours = {name for name in LABELS if name.startswith("adept_")}
    assert {name for name in ours if name not in shown} == set()


def test_the_dashboards_panels_have_a_place_of_their_own_and_say_what_they_are() -> None:
    panels = BOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["type"] == "row" or panel["description"]
    for one, two in combinations((panel["gridPos"] for panel in panels), 2):
        is_beside = one["x"] + one["w"] <= two["x"] or two["x"] + two["w"] <= one["x"]
        assert is_beside or one["y"] + one["h"] <= two["y"] or two["y"] + two["h"] <= one["y"], (one, two)
    assert all(panel.get("datasource", {}).get("uid", "${datasource}") == "${datasource}" for panel in panels)


def test_the_manual_names_every_alert() -> None:
    assert [rule["alert"] for rule in rules() if f"`{rule['alert']}`" not in HOW_TO.read_text()] == []
