"""Print the OpenAPI document: `python -m safelight.api.openapi`. Connects to nothing."""

import json
import sys
from contextlib import AbstractAsyncContextManager

from safelight.api.app import create_app
from safelight.api.platform import Platform
from safelight.settings import ApiSettings


def _never_started() -> AbstractAsyncContextManager[Platform]:
    raise RuntimeError("this application only describes itself")


def main() -> None:
    document = create_app(ApiSettings(), _never_started).openapi()
    json.dump(document, sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
