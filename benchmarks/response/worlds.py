"""The months that are simulated: what is wrong, where, and what a person would want done about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from monitors.verdict import Reason


class Truth(StrEnum):
    """What is wrong. Only a bad version is mended by going back."""

    NOTHING = "nothing"
    VERSION = "the version"
    ENVIRONMENT = "the environment"
    PROCESS = "one process"
    REPLICA = "one replica of eight"


@dataclass(frozen=True)
class Effect:
    """What happens to the image of a probe, in a `share` of them: a change of its alignment and of its embedding."""

    alignment: float = 0.0
    alignment_sd: float = 0.0
    shift: float = 0.0
    scatter: float = 0.0
    broken: float = 0.0
    share: float = 1.0


NONE: Final = Effect()


@dataclass(frozen=True)
class World:
    """`version` is what is done to the serving version's images, `everything` to those of all versions.

    `accepted`: the version is held against its own stored outputs, any change counting; else it is on trial against
    those of the one it replaced. `exact`: engines repeat themselves to the pixel. `false_alarms` a month come from
    monitors that see what is not there. `counted` is what the monitors count far beyond any doubt, be it there or not:
    against the version's own baseline where it is accepted, else against that of the version to go back to.
    """

    name: str
    truth: Truth
    accepted: bool
    version: Effect = NONE
    everything: Effect = NONE
    exact: bool = False
    false_alarms: float = 1.0
    replicas: int = field(default=1)
    counted: Reason | None = None


# Rounded from what versions 3 to 6 of the studio do to the bundled probes, against version 2.
SWAPPED: Final = Effect(alignment=-0.32, alignment_sd=0.25, shift=0.11, scatter=0.88)
COLLAPSED: Final = Effect(alignment=-0.25, alignment_sd=0.21, shift=0.40, scatter=0.66)
TOO_FEW_STEPS: Final = Effect(alignment=-0.065, alignment_sd=0.13, shift=0.075, scatter=0.44)
ROUNDED: Final = Effect(alignment_sd=0.002, scatter=0.02)
RESTYLED: Final = Effect(alignment_sd=0.08, shift=0.20, scatter=0.4)
MILD: Final = Effect(alignment=-0.02, alignment_sd=0.08, shift=0.03, scatter=0.3)
FEW_BROKEN: Final = Effect(broken=1.0, share=0.05)
FEW_GARBLED: Final = replace(SWAPPED, share=0.05)
ODD: Final = Reason.TAIL_EXCESS
BLANK: Final = Reason.BLANK_RATE_UP

WORLDS: Final = (
    World("healthy, exact engine", Truth.NOTHING, accepted=True, exact=True),
    World("healthy, engine that never repeats itself", Truth.NOTHING, accepted=True),
    World("healthy, four engines, monitors ten times over budget", Truth.NOTHING, True, false_alarms=10.0, replicas=4),
    World("harmless version on trial (8-bit weights)", Truth.NOTHING, accepted=False, version=ROUNDED),
    World("new style on trial", Truth.NOTHING, accepted=False, version=RESTYLED),
    World("version on trial: colours swapped", Truth.VERSION, accepted=False, version=SWAPPED),
    World("version on trial: objects collapsed", Truth.VERSION, accepted=False, version=COLLAPSED),
    World("version on trial: too few steps", Truth.VERSION, accepted=False, version=TOO_FEW_STEPS),
    World("version on trial: mild loss", Truth.VERSION, accepted=False, version=MILD),
    World("version on trial: 5 % of images broken", Truth.VERSION, False, FEW_BROKEN, counted=BLANK),
    World("accepted version gone bad on disk", Truth.VERSION, accepted=True, version=TOO_FEW_STEPS, exact=True),
    World("environment spoils all versions", Truth.ENVIRONMENT, accepted=True, everything=TOO_FEW_STEPS),
    World("environment spoils all versions, on trial", Truth.ENVIRONMENT, accepted=False, everything=TOO_FEW_STEPS),
    World("environment spoils all versions a little", Truth.ENVIRONMENT, accepted=True, everything=MILD),
    World("environment moves pixels only, exact engine", Truth.ENVIRONMENT, True, everything=ROUNDED, exact=True),
    World("engine's memory gone bad", Truth.PROCESS, accepted=True, version=SWAPPED, exact=True),
    World("one replica of eight gone bad", Truth.REPLICA, accepted=True, version=SWAPPED, replicas=8),
    World("healthy, people ask for what the baseline hardly saw", Truth.NOTHING, accepted=True, counted=ODD),
    World("harmless version on trial, many ask for what is blank", Truth.NOTHING, False, ROUNDED, counted=BLANK),
    World("environment breaks 5 % of images", Truth.ENVIRONMENT, True, NONE, FEW_BROKEN, counted=BLANK),
    World("environment breaks 5 % of images, on trial", Truth.ENVIRONMENT, False, NONE, FEW_BROKEN, counted=BLANK),
    World("environment garbles 5 % of images", Truth.ENVIRONMENT, True, NONE, FEW_GARBLED, counted=ODD),
    World("environment garbles 5 % of images, on trial", Truth.ENVIRONMENT, False, NONE, FEW_GARBLED, counted=ODD),
    World("version on trial: 5 % of images garbled", Truth.VERSION, False, FEW_GARBLED, counted=ODD),
    World("accepted version: 5 % of images broken", Truth.VERSION, True, FEW_BROKEN, counted=BLANK),
    World("accepted version: 5 % of images garbled", Truth.VERSION, True, FEW_GARBLED, counted=ODD),
)
