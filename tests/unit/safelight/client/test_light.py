"""A service that records to us must not load what we are made of."""

import json
import subprocess
import sys

HEAVY = {"torch", "sqlalchemy", "mlflow", "pydantic", "fastapi", "numpy", "diffusers", "open_clip", "PIL", "typer"}


def modules() -> set[str]:
    """What is loaded once the client is."""
    script = "import json, sys, safelight.client; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


def test_importing_the_client_brings_in_httpx_and_nothing_heavy() -> None:
    loaded = {name.partition(".")[0] for name in modules()}
    assert "httpx" in loaded
    assert loaded & HEAVY == set()


def test_of_our_own_it_needs_the_client_and_how_ids_are_made() -> None:
    ours = {name for name in modules() if name.startswith("safelight")}
    assert {name for name in ours if not name.startswith("safelight.client")} == {"safelight", "safelight.ids"}
