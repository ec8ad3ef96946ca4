"""Stand-ins for tests, here and above: a checkpoint of a few kilobytes and a version store without MLflow."""

import json
import shutil
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from registry.checkpoint import FileEntry, Reading
from registry.digests import canonical_json
from registry.external import AnyManifest, ExternalManifest, parse_any
from registry.manifest import Manifest, ManifestError
from registry.versions import (
    Standing,
    UnknownGenerator,
    UnknownVersion,
    Version,
    check_generator_name,
    check_variant,
    fetch_verified,
    inspect_bundle,
)


def write_checkpoint(folder: Path, *, seed: int = 0) -> Path:
    """A folder that passes inspection and that no library could load; two seeds differ in their weights alone."""
    random = np.random.default_rng(seed)
    models = {"text_encoder": "model", "unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model"}
    for name, stem in models.items():
        part = folder / name
        part.mkdir(parents=True)
        (part / "config.json").write_text(json.dumps({"width": 4}))
        weights = {"weight": random.normal(size=(4, 4)).astype(np.float16), "bias": np.zeros(4, np.float16)}
        save_file(weights, part / f"{stem}.safetensors")
    for name in ("scheduler", "tokenizer"):
        (folder / name).mkdir()
        (folder / name / f"{name}_config.json").write_text("{}")
    index = {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": "0.42.1",
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderTiny"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


class FolderVersionStore:
    """Versions as plain files under ``root``, for one process. See registry.versions.VersionStore for the contract."""

    def __init__(self, root: Path, now: Callable[[], datetime]) -> None:
        self._root = root
        self._now = now

    def register(self, generator: str, folder: Path, manifest: Manifest) -> Version:
        checkpoint = inspect_bundle(generator, folder, manifest)
        return self._keep(generator, manifest, folder, checkpoint.files)

    def register_variant(self, parent: Version, manifest: Manifest) -> Version:
        check_variant(parent, manifest)
        return self.register(parent.generator, Path(parent.source), manifest)

    def register_external(self, generator: str, manifest: ExternalManifest) -> Version:
        check_generator_name(generator)
        return self._keep(generator, manifest)

    def _keep(
        self, generator: str, manifest: AnyManifest, folder: Path = Path(), files: Sequence[FileEntry] = ()
    ) -> Version:
        kept = self._kept(generator)
        for version in kept:
            if version.digest == manifest.digest:
                return version
        home = self._home(generator, 1 + max((version.number for version in kept), default=0))
        home.mkdir(parents=True)
        for file in files:
            target = home / "model" / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / file.path, target)
        (home / "created_at").write_text(self._now().isoformat())
        (home / "manifest.json").write_bytes(canonical_json(manifest.model_dump(mode="json")))
        return self._read(home)

    def get(self, generator: str, number: int) -> Version:
        check_generator_name(generator)
        home = self._home(generator, number)
        if not home.is_dir():
            raise UnknownVersion(generator, number) if self._kept(generator) else UnknownGenerator(generator)
        return self._read(home)

    def versions(self, generator: str) -> tuple[Version, ...]:
        check_generator_name(generator)
        kept = self._kept(generator)
        if not kept:
            raise UnknownGenerator(generator)
        return tuple(sorted(kept, key=lambda version: -version.number))

    def generators(self) -> tuple[str, ...]:
        return tuple(sorted({home.parent.name for home in self._root.glob("*/*/")}))

    def fetch(
        self, version: Version, destination: Path, reading: Reading | None = None, *, trust_unchanged: bool = False
    ) -> Path:
        source = Path(self.get(version.generator, version.number).source)

        def download(staging: Path) -> Path:
            return Path(shutil.copytree(source, staging / "model"))

        return fetch_verified(version, destination, download, reading, trust_unchanged=trust_unchanged)

    def production(self, generator: str) -> int | None:
        self.versions(generator)
        alias = self._root / generator / "production"
        return int(alias.read_text()) if alias.exists() else None

    def set_production(self, generator: str, number: int) -> None:
        self.get(generator, number)
        (self._root / generator / "production").write_text(str(number))

    def standing(self, generator: str) -> Standing:
        check_generator_name(generator)
        alias = self._root / generator / "production"
        manifests = {int(home.name): _manifest_in(home) for home in (self._root / generator).glob("*/")}
        return Standing(int(alias.read_text()) if alias.exists() else None, manifests)

    def restore_manifest(self, generator: str, number: int, manifest: AnyManifest) -> None:
        home = self._home(generator, number)
        if not home.is_dir():
            raise UnknownVersion(generator, number)
        (home / "manifest.json").write_bytes(canonical_json(manifest.model_dump(mode="json")))

    def _home(self, generator: str, number: int) -> Path:
        return self._root / generator / str(number)

    def _kept(self, generator: str) -> list[Version]:
        return [self._read(home) for home in (self._root / generator).glob("*/") if _manifest_in(home) is not None]

    def _read(self, home: Path) -> Version:
        manifest = parse_any((home / "manifest.json").read_bytes())
        return Version(
            generator=home.parent.name,
            number=int(home.name),
            digest=manifest.digest,
            manifest=manifest,
            created_at=datetime.fromisoformat((home / "created_at").read_text()),
            source=str(home / "model"),
        )


def _manifest_in(home: Path) -> AnyManifest | None:
    try:
        return parse_any((home / "manifest.json").read_bytes())
    except (ManifestError, FileNotFoundError):
        return None
