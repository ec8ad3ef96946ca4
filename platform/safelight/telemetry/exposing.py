"""A door for Prometheus in processes that have no other."""

import logging

from prometheus_client import start_http_server

logger = logging.getLogger(__name__)


def expose(host: str, port: int | None) -> None:
    """Serve this process's metrics from a thread, where a port is given. One that is taken costs the metrics only."""
    if port is None:
        return
    try:
        start_http_server(port, host)
    except OSError as error:
        logger.error("metrics cannot be served at %s:%d: %s", host, port, error)
