"""The HTTP face of an engine: one route for gateways, one for whoever asks whether it lives."""

import secrets
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response

from safelight.serving.disconnect import CLIENT_CLOSED_REQUEST, ClientGone, unless_gone
from safelight.serving.wire import FACTS_HEADER, Order
from safelight.serving.worker import BatchWorker, DeadlinePassed, RenderingFailed


def build(worker: BatchWorker, token: str) -> FastAPI:
    """`POST /generate` wants `Authorization: Bearer <token>`; `GET /health` is open and tells nothing else."""

    def authorised(authorization: Annotated[str, Header()] = "") -> None:
        if not secrets.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401, "This is an engine; only gateways that hold its token may order images.")

    app = FastAPI(openapi_url=None)

    @app.post("/generate", dependencies=[Depends(authorised)])
    async def generate(request: Request, order: Order) -> Response:
        try:
            making = worker.submit(order.parameters, order.seconds, defer=order.defer)
            facts, png = await unless_gone(request, making)
        except ClientGone:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except DeadlinePassed as error:
            raise HTTPException(504, "The image was not made in time.") from error
        except RenderingFailed as error:
            raise HTTPException(500, f"The pipeline raised {error}.") from error
        return Response(png, media_type="image/png", headers={FACTS_HEADER: facts.model_dump_json(ensure_ascii=True)})

    @app.get("/health")
    async def health() -> dict[str, int]:
        return {"in_flight": worker.in_flight}

    return app
