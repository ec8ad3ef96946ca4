"""A worker: what it scores, watches, answers and tells, and how often."""

from datetime import timedelta

from safelight.clock import Clock
from safelight.comparing.daily import DailyReporter
from safelight.housekeeping import Housekeeping
from safelight.ids import new_id
from safelight.notifying.addresses import Reach
from safelight.notifying.connection import GuardedBackend
from safelight.notifying.deliverer import Deliverer
from safelight.notifying.pulse import Pulse
from safelight.notifying.sender import Sender
from safelight.probing.judging import ProbeJudge
from safelight.probing.ordering import ProbeOrderer, SyntheticSets
from safelight.probing.replay_judging import ReplayJudge
from safelight.recording.erasing import Eraser
from safelight.recording.fetching import Fetcher, Getter
from safelight.recording.images import open_images
from safelight.recording.retention import Retention
from safelight.releasing.anchoring import AnchorFile, Anchoring
from safelight.releasing.canary import Canarying
from safelight.releasing.reconciling import Reconciler
from safelight.releasing.registration import Registration
from safelight.releasing.scoping import ScopeFollower
from safelight.releasing.service import Releasing
from safelight.releasing.targets.converging import Converger
from safelight.responding.announcement import Links
from safelight.responding.crashing import CrashWatch
from safelight.responding.deciding import Decider
from safelight.responding.drilling import DrillWatch
from safelight.responding.ledger_watch import LedgerWatch
from safelight.responding.registry_edits import RegistryEdits
from safelight.responding.responder import Responder
from safelight.responding.target_faults import TargetFaults
from safelight.responding.verifying import Verifier
from safelight.scoring.attributes import AttributeReader
from safelight.scoring.backfill import Backfiller
from safelight.scoring.examining import Examiner
from safelight.scoring.folding import Folder
from safelight.scoring.presence import Presence
from safelight.scoring.rolling import RollUp
from safelight.scoring.scorer import Scorer
from safelight.settings import Settings
from safelight.store.database import Database
from safelight.watching.assess import Assessor
from safelight.watching.automatic import AutomaticBaselines
from safelight.watching.canaries import CanaryJudge
from safelight.watching.canary_guard import CanaryGuard
from safelight.watching.evidence import EvidenceGatherer
from safelight.watching.lease import Leadership
from safelight.watching.lenses import LensCache
from safelight.watching.making import Maker
from safelight.watching.observing import Observer
from safelight.watching.recovery import RecoveryJudge
from safelight.watching.reports import Reporter
from safelight.watching.schedule import Job, Schedule
from safelight.watching.slicing import Slicing
from safelight.watching.thinning import Thinning
from safelight.watching.tick import Ticker
from safelight.wiring import clock, database, embedder, host_name, version_store
from safelight.worker import Loop, Worker

_CANARY_SECONDS = 2.0
_CHORES_SECONDS = 10.0
_TIDY_SECONDS = 3600.0
_DAILY_LOOKED_FOR_SECONDS = 900.0
_DELIVERY_SECONDS = 0.5
_TARGETS_SECONDS = 0.5
_REPORT_SECONDS = 1.0
_BACKFILL_SECONDS = 2.0
_ORDER_SECONDS = 2.0
_JUDGE_SECONDS = 0.5
_BASELINE_SECONDS = 1.0
_AUTOMATIC_SECONDS = 60.0
_ATTRIBUTES_SECONDS = 60.0
_ERASE_SECONDS = 5.0
_PRESENCE_SECONDS = 60.0
_CRASHES_SECONDS = 5.0
_DRILLS_SECONDS = 15.0
_VERIFY_SECONDS = 2.0
_FETCH_SECONDS = 2.0


def worker(settings: Settings) -> Worker:
    time, store, sight = clock(), database(settings), embedder(settings)
    name = f"{host_name()}-{new_id()}"
    lenses = LensCache()
    observer = Observer(lenses, sight.digest, timedelta(minutes=settings.watching.feedback_minutes))
    assessor = Assessor(settings.watching, observer, sight.digest)
    links, probing = Links(settings.public_url), settings.probing
    decider = Decider(Releasing(time), links, probing.confirm_pairs)
    responder = Responder(decider, EvidenceGatherer(lenses, sight.digest), RecoveryJudge(assessor, observer), links)
    leadership = Leadership(store, time, name, settings.watching.lease_seconds)
    ticker = Ticker(store, time, assessor, responder, leadership, name, settings.watching.tick_seconds)
    watching = settings.watching
    examiner = Examiner(open_images(settings.images_url, settings.images), sight, time)
    folder = Folder(lenses, sight.digest, Slicing(watching.slices, watching.most_slices), time, watching.bucket_seconds)
    scorer = Scorer(store, examiner, folder, batch=settings.scoring.batch)
    registered = version_store(settings)
    reconciler = Reconciler(store, registered, Releasing(time), leadership, time)
    chores = Housekeeping(store, Registration(store, registered, time), reconciler, time)
    verdicts_kept = timedelta(days=settings.retention.verdicts_days)
    link_life = timedelta(minutes=settings.guard.link_minutes)
    sender = Sender(settings.notifying, time, settings.api.public_url, link_life=link_life)
    deliverer = Deliverer(store, sender, time)
    reach = Reach.of(settings.notifying)
    converger = Converger(
        store, leadership, lambda: GuardedBackend(time, settings.notifying.timeout_seconds, reach), time
    )
    pulse = Pulse(store, sender, leadership.held, time, watching.tick_seconds)
    judge = ProbeJudge(
        store,
        open_images(settings.images_url, settings.images),
        sight.digest,
        decider,
        time,
        probing.confirm_pairs,
    )
    orderer = ProbeOrderer(store, leadership, time, sight.digest, probing.interval_seconds)
    canary_judge = CanaryJudge(
        store,
        time,
        leadership,
        Canarying(Releasing(time), time),
        lenses,
        links,
        sight.digest,
        watching.bucket_seconds,
    )
    canary_guard = CanaryGuard(store, time, leadership, assessor, Releasing(time), links, watching.tick_seconds)
    automatic = AutomaticBaselines(store, time, leadership, settings.baselines, sight.digest)
    schedule = Schedule(
        [
            Job("lease", leadership.renew_seconds, leadership.renew),
            Job("tick", settings.watching.tick_seconds, ticker.run_once),
            Job("canaries", _CANARY_SECONDS, canary_judge.run_once),
            Job("guard of canaries", watching.tick_seconds, canary_guard.run_once),
            Job("pulse", settings.notifying.heartbeat_seconds, pulse.run_once),
            Job("monitors", _CHORES_SECONDS, chores.provide_monitors),
            Job("probe sets", _CHORES_SECONDS, SyntheticSets(store, time).provide),
            Job("registry", _CHORES_SECONDS, chores.follow_registry),
            Job("registry edits", _CRASHES_SECONDS, RegistryEdits(store, leadership, links, time).run_once),
            Job(
                "drills",
                _DRILLS_SECONDS,
                DrillWatch(store, leadership, links, time, settings.guard.drill_hour).run_once,
            ),
            Job("verification", _VERIFY_SECONDS, Verifier(store, leadership, links, time).run_once),
            Job("target faults", _CRASHES_SECONDS, TargetFaults(store, leadership, links, time).run_once),
            Job("crash loops", _CRASHES_SECONDS, CrashWatch(store, leadership, links, time).run_once),
            Job("baselines", _AUTOMATIC_SECONDS, automatic.run_once),
            Job("tidy", _TIDY_SECONDS, chores.tidy),
            Job("daily reports", _DAILY_LOOKED_FOR_SECONDS, DailyReporter(store, time, lenses, sight.digest).run_once),
            Job("attributes", _ATTRIBUTES_SECONDS, AttributeReader(store, sight, time).run_once),
            *_anchoring(settings, store, leadership, links, time),
        ]
    )
    fetching = settings.ingest
    getter = Getter(
        lambda: GuardedBackend(time, fetching.timeout_seconds, Reach(private=fetching.allow_private_addresses)),
        fetching.max_image_bytes,
    )
    pictures = open_images(settings.images_url, settings.images)
    fetcher = Fetcher(store, pictures, getter, time, settings.images.thumbnail_pixels)
    loops = [
        Loop("scorer", scorer.run_once, settings.scoring.poll_seconds),
        Loop("embedder", Presence(store, sight, time).run_once, _PRESENCE_SECONDS),
        Loop("fetcher", fetcher.run_once, _FETCH_SECONDS),
        Loop("roll-up", RollUp(store, time, watching, settings.retention).run_once, _TIDY_SECONDS),
        Loop("verdicts", Thinning(store, time, verdicts_kept).run_once, _TIDY_SECONDS),
        Loop("retention", Retention(store, pictures, settings.retention, time).run_once, _TIDY_SECONDS),
        Loop("erasures", Eraser(store, pictures, time).run_once, _ERASE_SECONDS),
        Loop("backfill", Backfiller(store, examiner, folder, time).run_once, _BACKFILL_SECONDS),
        Loop("reporter", Reporter(store, time, sight.digest).run_once, _REPORT_SECONDS),
        Loop("baselines", Maker(store, time, name, sight.digest).run_once, _BASELINE_SECONDS),
        Loop("deliverer", deliverer.run_once, _DELIVERY_SECONDS),
        Loop("targets", converger.run_once, _TARGETS_SECONDS),
        Loop("scopes", ScopeFollower(store, Releasing(time), time).run_once, _TARGETS_SECONDS),
        Loop("probe orderer", orderer.run_once, _ORDER_SECONDS),
        Loop("probe judge", judge.run_once, _JUDGE_SECONDS),
        Loop("replay judge", ReplayJudge(store, pictures, sight.digest, time).run_once, _JUDGE_SECONDS),
    ]
    return Worker(loops, schedule, leadership)


def _anchoring(settings: Settings, store: Database, leadership: Leadership, links: Links, time: Clock) -> list[Job]:
    """Nothing where no file is named that anchors of the ledger go to."""
    if settings.ledger.anchor_file is None:
        return []
    anchoring = Anchoring(store, AnchorFile(settings.ledger.anchor_file), time)
    watch = LedgerWatch(store, leadership, anchoring, links, time)
    return [Job("ledger anchors", settings.ledger.anchor_seconds, watch.run_once)]
