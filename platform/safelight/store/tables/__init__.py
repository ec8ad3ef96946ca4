"""Every table, so that the metadata is complete wherever one of them is imported."""

from safelight.store.tables.access import ApiKey, AuditEntry, IdempotentReply, Lease, LoginLink, LoginSession
from safelight.store.tables.generations import Environment, GenerationRow, Score, ScoreTask, TrafficBucket
from safelight.store.tables.incidents import Channel, Delivery, Incident, IncidentEvent, Notification, Policy
from safelight.store.tables.monitoring import (
    Baseline,
    MonitorRow,
    MonitorSlot,
    SignalBucket,
    SketchBucket,
    VerdictRow,
)
from safelight.store.tables.releases import (
    EngineRow,
    GatewayRow,
    Generator,
    LedgerEntry,
    Release,
    ReleaseStep,
    VersionRow,
)

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Baseline",
    "Channel",
    "Delivery",
    "EngineRow",
    "Environment",
    "GatewayRow",
    "GenerationRow",
    "Generator",
    "IdempotentReply",
    "Incident",
    "IncidentEvent",
    "Lease",
    "LedgerEntry",
    "LoginLink",
    "LoginSession",
    "MonitorRow",
    "MonitorSlot",
    "Notification",
    "Policy",
    "Release",
    "ReleaseStep",
    "Score",
    "ScoreTask",
    "SignalBucket",
    "SketchBucket",
    "TrafficBucket",
    "VerdictRow",
    "VersionRow",
]
