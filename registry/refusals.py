"""Why a checkpoint is refused, and what to do about each reason."""

from enum import StrEnum
from typing import ClassVar

from registry.errors import Kind, RegistryError


class CheckpointCode(StrEnum):
    NOT_FOUND = "checkpoint_not_found"
    UNREADABLE = "checkpoint_unreadable"
    UNSAFE_FILE = "checkpoint_unsafe_file"
    UNSAFE_CONTENT = "checkpoint_unsafe_content"
    LINK = "checkpoint_link"
    TRUNCATED = "checkpoint_truncated"
    MALFORMED = "checkpoint_malformed"
    INCOMPLETE = "checkpoint_incomplete"
    CUSTOM_CODE = "checkpoint_custom_code"


_ADVICE = {
    CheckpointCode.NOT_FOUND: "Name the folder that holds model_index.json.",
    CheckpointCode.UNREADABLE: "Give the service the right to read it.",
    CheckpointCode.UNSAFE_FILE: "Weights are .safetensors only, no file may run code, and names are plain: "
    "convert the weights (save_pretrained writes safetensors) and remove or rename this file.",
    CheckpointCode.UNSAFE_CONTENT: "No file may run code, whatever its name: remove it from the folder.",
    CheckpointCode.LINK: "Copy the folder with its links followed (cp -rL) and register the copy.",
    CheckpointCode.TRUNCATED: "Copy or download it again.",
    CheckpointCode.MALFORMED: "Mend it, or save the pipeline again with save_pretrained.",
    CheckpointCode.INCOMPLETE: "Add what is missing, or save the pipeline again with save_pretrained.",
    CheckpointCode.CUSTOM_CODE: "Code of a checkpoint is never run: use classes that diffusers and transformers ship.",
}


class CheckpointRefused(RegistryError):
    """``found`` is one clause about what was found, the file named first."""

    kind: ClassVar[Kind] = Kind.INVALID

    def __init__(self, code: CheckpointCode, found: str) -> None:
        super().__init__(code, f"{found}. {_ADVICE[code]}")
        self.found = found
