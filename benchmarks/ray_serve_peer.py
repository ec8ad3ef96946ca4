"""Ray Serve around the same pipeline; run by `benchmarks.overhead` in a process of its own."""

import argparse
import asyncio
import signal
import threading
from collections.abc import Sequence

import ray
from ray import serve
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.bare import BareLoop, png


class Images:
    """One replica, as the documentation has it: a batch, behind Serve's own proxy. No log, no keys."""

    def __init__(self, folder: str, batch: int) -> None:
        self._loop = BareLoop(folder)
        self._make.set_max_batch_size(batch)

    @serve.batch(batch_wait_timeout_s=0.015)  # type: ignore[untyped-decorator, unused-ignore]  # Ray has no types for it
    async def _make(self, seeds: Sequence[int]) -> list[bytes]:
        return await asyncio.to_thread(lambda: [png(each) for each in self._loop.images(list(seeds))])

    async def __call__(self, request: Request) -> Response:
        return Response(await self._make((await request.json())["seed"]), media_type="image/png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("port", type=int)
    parser.add_argument("batch", type=int)
    options = parser.parse_args()
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    # Its controller, its proxy and the replica each ask for a processor, however many there are.
    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": options.port})
    deployment = serve.deployment(Images).options(max_ongoing_requests=4 * options.batch)
    serve.run(deployment.bind(options.folder, options.batch), route_prefix="/predict")
    over.wait()
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main()
