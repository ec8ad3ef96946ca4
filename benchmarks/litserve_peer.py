"""LitServe around the same pipeline; run by `benchmarks.overhead` with the interpreter of its own environment."""

import argparse
from typing import Any

import litserve  # type: ignore[import-not-found, unused-ignore]  # not in our environment, on purpose
from fastapi import Response

from benchmarks.bare import BareLoop, png


class Images(litserve.LitAPI):  # type: ignore[misc, unused-ignore]  # an untyped base, or none
    """As its documentation has it: decode, predict a batch, encode. No log, no keys."""

    folder = ""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe names it
        self._loop = BareLoop(self.folder)

    def decode_request(self, request: dict[str, int]) -> int:
        return request["seed"]

    def predict(self, seeds: list[int]) -> list[Any]:
        return list(self._loop.images(seeds))

    def encode_response(self, image: Any) -> Response:
        return Response(png(image), media_type="image/png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("port", type=int)
    parser.add_argument("batch", type=int)
    options = parser.parse_args()
    api = Images(max_batch_size=options.batch, batch_timeout=0.015)
    api.folder = options.folder  # of the instance: its worker is another process, which gets no more
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, timeout=120)
    server.run(host="127.0.0.1", port=options.port, generate_client_file=False, log_level="warning")


if __name__ == "__main__":
    main()
