"""The bill of materials that comes with the wheel."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path


def test_it_lists_what_the_run_time_lock_pins_and_is_the_same_each_time(root: Path, tmp_path: Path) -> None:
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    programs = Path(sys.executable).parent
    runs = [subprocess.Popen([root / "scripts" / "sbom.sh", programs, file], cwd=tmp_path) for file in files]
    assert [run.wait(120) for run in runs] == [0, 0]
    one, two = (file.read_bytes() for file in files)
    assert one == two
    bill = json.loads(one)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    component = bill["metadata"]["component"]
    assert (component["name"], component["version"]) == (project["name"], project["version"])
    pins = re.findall(
        r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==([^\s;]+)", (root / "requirements.lock").read_text(), re.MULTILINE
    )
    assert sorted((part["name"], part["version"]) for part in bill["components"]) == sorted(pins)
    assert all(part["externalReferences"][0]["hashes"] for part in bill["components"])
    assert str(root) not in one.decode()
