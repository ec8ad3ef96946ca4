"""Draws a version's golden prompts before it is registered, for every engine to hold its own against."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from registry.manifest import Manifest
from safelight.errors import Kind, SafelightError
from safelight.serving.golden import GoldenResult, assess, draw


def drawn_golden(
    folder: Path, manifest: Manifest, *, device: str, threads: int
) -> tuple[list[dict[str, object]], dict[str, bytes]]:
    """The manifest's golden prompts with an image each, and the images as PNG by their paths in the folder.

    Raises SafelightError golden_failed when one gives no acceptable image, and what loading a version raises.
    """
    from safelight.serving.pipeline import load  # brings in torch and diffusers

    pipeline = load(folder, manifest, device=device, threads=threads)
    entries: list[dict[str, object]] = []
    images: dict[str, bytes] = {}
    for place, golden in enumerate(manifest.golden):
        rendered = draw(pipeline, manifest, golden)
        result = assess(rendered)
        if result is not GoldenResult.PASSED or rendered.pixels is None:
            message = f"The golden prompt {golden.prompt!r} gave no acceptable image: {result}. Nothing is registered."
            raise SafelightError(Kind.INVALID, "golden_failed", message)
        path, buffer = f"golden/{place}.png", BytesIO()
        Image.fromarray(rendered.pixels).save(buffer, "PNG")
        images[path] = buffer.getvalue()
        entries.append(golden.model_dump(mode="json") | {"image": path})
    return entries, images
