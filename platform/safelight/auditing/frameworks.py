"""What frameworks ask for, and which records of a pack speak to it.

Subcategories are those of NIST AI 100-1 (AI RMF 1.0, January 2023), actions those of NIST AI 600-1 (July 2024), clauses
and controls those of ISO/IEC 42001:2023. What each is about is said in words of our own: the documents themselves are
what counts. Records are evidence for an auditor's judgement; none of them is a judgement.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Claim:
    """`statement` is what records of `section` show: all of them, or those that have something at the path `needs`."""

    reference: str
    about: str
    statement: str
    section: str
    needs: str = ""

    def shown_by(self, document: Mapping[str, Any]) -> bool:
        """Whether a record speaks for it."""
        value: Any = document
        for key in self.needs.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return not self.needs or bool(value)


@dataclass(frozen=True)
class Framework:
    name: str
    part: str
    claims: tuple[Claim, ...]


AI_RMF: Final = "NIST AI RMF 1.0 (AI 100-1)"
GENERATIVE: Final = "NIST AI 600-1, Generative AI Profile"
MANAGEMENT: Final = "ISO/IEC 42001:2023"

FRAMEWORKS: Final = (
    Framework(
        AI_RMF,
        "Govern",
        (
            Claim(
                "GOVERN 1.4",
                "Risk management by transparent policies and controls",
                "What a promote has to show, and what may be done about an incident, is written down",
                "policies",
            ),
            Claim(
                "GOVERN 1.5",
                "Ongoing monitoring is planned, with responsibilities",
                "Each monitor has a schedule, a budget of false alarms and a runbook",
                "monitors",
                "budget",
            ),
            Claim(
                "GOVERN 1.6", "An inventory of AI systems", "Every version is on record with its digest", "model_cards"
            ),
            Claim("GOVERN 2.1", "Roles and responsibilities are documented", "Who did what is on record", "audit"),
            Claim("GOVERN 3.2", "Human oversight is defined", "Named people have approved versions", "approvals"),
            Claim(
                "GOVERN 4.3",
                "Testing and the identification of incidents",
                "Incidents were found and kept",
                "incidents",
            ),
            Claim(
                "GOVERN 6.1",
                "Risks that come of third parties, and risks to their rights",
                "Licences and data sets are named",
                "provenance",
                "datasets",
            ),
        ),
    ),
    Framework(
        AI_RMF,
        "Map",
        (
            Claim(
                "MAP 1.1",
                "Intended purposes and settings are understood",
                "Versions tell what they are for",
                "model_cards",
                "provenance.intended_use",
            ),
            Claim(
                "MAP 2.2",
                "Limits of the system's knowledge are documented",
                "Versions tell their limits",
                "model_cards",
                "provenance.known_limits",
            ),
            Claim(
                "MAP 4.1",
                "Risks of third-party data and rights are mapped",
                "Sources are licensed and scanned",
                "provenance",
                "scan",
            ),
        ),
    ),
    Framework(
        AI_RMF,
        "Measure",
        (
            Claim(
                "MEASURE 1.1",
                "Metrics are selected and applied",
                "What is asked of what serves is documented",
                "monitors",
            ),
            Claim(
                "MEASURE 2.1",
                "Test sets, metrics and tools are documented",
                "What is usual is fixed and named",
                "baselines",
            ),
            Claim(
                "MEASURE 2.3",
                "Performance is measured under conditions like those of deployment",
                "Gates judged releases on figures",
                "gates",
                "figures",
            ),
            Claim(
                "MEASURE 2.4",
                "Behaviour is monitored in production",
                "Monitors answered, tick by tick",
                "monitors",
                "answers",
            ),
            Claim(
                "MEASURE 2.5",
                "The system is shown to be valid and reliable",
                "Gates say what was shown",
                "gates",
                "verified",
            ),
            Claim(
                "MEASURE 2.13",
                "Whether metrics and processes are effective is evaluated",
                "People judged the alarms",
                "judgements",
            ),
        ),
    ),
    Framework(
        AI_RMF,
        "Manage",
        (
            Claim(
                "MANAGE 1.1",
                "Whether to go on is decided",
                "Each release was decided by somebody, for a reason",
                "releases",
                "reason",
            ),
            Claim("MANAGE 1.3", "Responses to risks are planned", "A mode of response is set", "policies"),
            Claim(
                "MANAGE 1.4",
                "Residual risks are documented",
                "Overrides name the gates that were not passed, and why",
                "overrides",
            ),
            Claim(
                "MANAGE 2.3",
                "Unknown risks are responded to and recovered from",
                "Incidents have timelines",
                "incidents",
            ),
            Claim(
                "MANAGE 2.4", "The system can be superseded or taken out", "The way back is drilled", "drills", "told"
            ),
            Claim(
                "MANAGE 4.1",
                "Monitoring after deployment, with incident response, recovery and change management",
                "Monitors answered, tick by tick",
                "monitors",
                "answers",
            ),
            Claim(
                "MANAGE 4.2",
                "Updates bring improvements that are measured",
                "Gates measured what updates changed",
                "gates",
                "figures",
            ),
            Claim(
                "MANAGE 4.3",
                "Incidents are tracked and communicated",
                "Incidents have owners and an end",
                "incidents",
                "owner",
            ),
        ),
    ),
    Framework(
        GENERATIVE,
        "Suggested actions",
        (
            Claim("GV-1.5-002", "Reviews after incidents", "Incidents carry what a review needs", "incidents"),
            Claim("GV-1.5-003", "History of tests is retained", "What gates measured is kept", "gates", "figures"),
            Claim(
                "MS-2.3-002",
                "Capabilities are evaluated by validated methods",
                "Versions were probed in pairs",
                "gates",
                "paired_probes",
            ),
            Claim(
                "MS-4.2-002",
                "Performance in real settings is evaluated",
                "Monitors watch real requests",
                "monitors",
                "answers",
            ),
            Claim("MG-1.3-001", "Staged release is considered", "Releases tell their steps and canaries", "releases"),
            Claim(
                "MG-2.2-002", "Sources of training data are documented", "Data sets are named", "provenance", "datasets"
            ),
            Claim("MG-2.4-004", "Criteria for deactivation are set", "Rollback has criteria", "policies"),
            Claim(
                "MG-3.2-003",
                "Training data, architecture and training of models are documented",
                "Model cards name the data sets",
                "model_cards",
                "provenance.datasets",
            ),
            Claim("MG-3.2-006", "Deviations alert a person", "Alarms opened incidents", "incidents"),
            Claim(
                "MG-4.1-002",
                "Monitoring is kept up and its effect evaluated",
                "Alarms were called right or wrong",
                "judgements",
            ),
            Claim("MG-4.2-002", "Plans are practised, incidents analysed", "Drills were run", "drills", "told"),
            Claim(
                "MG-4.3-002",
                "Errors, near-misses and negative impacts are recorded and tracked",
                "They are on record as incidents",
                "incidents",
            ),
        ),
    ),
    Framework(
        MANAGEMENT,
        "Clauses and Annex A",
        (
            Claim("7.5", "Documented information", "Records are sealed in a chain of hashes", "ledger"),
            Claim("8.1", "Operational planning and control", "Changes go through releases", "releases"),
            Claim(
                "9.1",
                "Monitoring, measurement, analysis, evaluation",
                "Monitors have budgets and answers",
                "monitors",
                "answers",
            ),
            Claim("10.2", "Nonconformity and corrective action", "Incidents tell what was done", "incidents"),
            Claim("A.3.2", "Roles and responsibilities", "Who did what is on record", "audit"),
            Claim("A.6.2.4", "Verification and validation", "Gates verified versions", "gates", "verified"),
            Claim("A.6.2.5", "Deployment", "Releases tell what was met before they served", "releases"),
            Claim("A.6.2.6", "Operation and monitoring", "Monitors and drills ran", "drills", "told"),
            Claim("A.6.2.7", "Technical documentation", "Versions have model cards", "model_cards"),
            Claim("A.6.2.8", "Recording of event logs", "The audit log covers the period", "audit"),
            Claim("A.7.5", "Provenance of data", "Data sets, licences and scans are named", "provenance", "datasets"),
            Claim(
                "A.8.4",
                "Communication of incidents",
                "Incidents were opened, told to those on call, and closed",
                "incidents",
            ),
            Claim(
                "A.9.2",
                "Processes for responsible use",
                "Named people approved versions",
                "approvals",
            ),
        ),
    ),
)
