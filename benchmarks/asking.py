"""Has an account fetched whole again and again: `python -m benchmarks.asking URL KEY_FILE`, until it is terminated."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import httpx2

url, key_file = sys.argv[1:]
headers = {"Authorization": f"Bearer {Path(key_file).read_text().strip()}"}
with httpx2.Client(base_url=url, headers=headers, timeout=60) as http:
    while True:
        asked = http.post("/api/v1/accounts/walked/passes", json={"kind": "full"})
        asked.raise_for_status()
        while http.get(asked.headers["Location"]).json()["state"] in ("queued", "running"):
            time.sleep(0.2)
