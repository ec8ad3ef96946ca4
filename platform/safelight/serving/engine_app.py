"""The HTTP face of an engine: two routes for gateways, one for whoever asks whether it lives."""

import secrets
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response

from safelight.serving.disconnect import CLIENT_CLOSED_REQUEST, ClientGone, unless_gone
from safelight.serving.rendering import RequestUnsupported
from safelight.serving.wire import FACTS_HEADER, Order, Progress
from safelight.serving.worker import BatchWorker, DeadlinePassed, DoesNotFit, RenderingFailed

_ANSWERS: dict[type[Exception], tuple[int, str]] = {
    RequestUnsupported: (422, "{}"),
    RenderingFailed: (500, "The pipeline raised {}."),
    DeadlinePassed: (504, "The image was not made in time."),
    DoesNotFit: (507, "The image does not fit into the device's memory."),
}


def build(worker: BatchWorker, token: str) -> FastAPI:
    """The routes of gateways want `Authorization: Bearer <token>`; `GET /health` is open and tells nothing else."""

    def authorised(authorization: Annotated[str, Header()] = "") -> None:
        if not secrets.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401, "This is an engine; only gateways that hold its token may order images.")

    app = FastAPI(openapi_url=None)

    @app.post("/generate", dependencies=[Depends(authorised)])
    async def generate(request: Request, order: Order) -> Response:
        try:
            facts, png = await unless_gone(request, worker.submit(order))
        except ClientGone:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except tuple(_ANSWERS) as error:
            status, sentence = _ANSWERS[type(error)]
            raise HTTPException(status, sentence.format(error)) from error
        return Response(png, media_type="image/png", headers={FACTS_HEADER: facts.model_dump_json(ensure_ascii=True)})

    @app.post("/progress", dependencies=[Depends(authorised)])
    async def progress(orders: list[UUID]) -> dict[UUID, Progress]:
        found = {order: worker.progress(order) for order in orders}
        return {order: each for order, each in found.items() if each is not None}

    @app.get("/health")
    async def health() -> dict[str, int]:
        return {"in_flight": worker.in_flight}

    return app
