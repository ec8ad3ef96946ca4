"""Sends one message to one channel: in the words of its kind, over a connection that checks where it leads."""

from dataclasses import replace
from datetime import timedelta

from safelight.clock import Clock
from safelight.notifying.addresses import Reach
from safelight.notifying.connection import GuardedBackend, Resolve, resolve
from safelight.notifying.kinds import KINDS
from safelight.notifying.links import ThumbnailLinks
from safelight.notifying.message import Destination, Message
from safelight.notifying.retry import Answered, Outcome
from safelight.notifying.rollback_links import RollbackLinks
from safelight.notifying.sending import post
from safelight.settings import NotifyingSettings
from safelight.store.channels import Access


class Sender:
    """Whoever delivers and whoever beats sends through it."""

    def __init__(
        self,
        settings: NotifyingSettings,
        clock: Clock,
        public_url: str = "",
        resolve: Resolve = resolve,
        link_life: timedelta = timedelta(0),
    ) -> None:
        """`public_url` is where the world reaches us; empty: it does not, so no message links to an image.

        `link_life` is how long a link that rolls back works; 0: a message's opens the incident, as any other's does.
        """
        self._settings = settings
        self._clock = clock
        self._public_url = public_url.rstrip("/")
        self._ways_back = RollbackLinks(self._public_url, link_life)
        self._resolve = resolve

    @property
    def longest_seconds(self) -> float:
        return self._settings.timeout_seconds

    def send(self, message: Message, to: Access) -> Outcome:
        now = self._clock.now()
        links = ThumbnailLinks(self._public_url, to.channel_id, to.link_key, now) if self._public_url else None
        message = self._ways_back.put_into(message, to.channel_id, to.link_key, now)
        destination = Destination(to.channel_id, to.url, to.secrets, links)
        channel = KINDS[to.kind]
        request = channel.request(message, destination, now)
        outcome = post(request, now, self._backend)
        if isinstance(outcome, Answered) and outcome.status in channel.refusals:
            plain = channel.request(message, replace(destination, thumbnail=None), now)
            if plain.body != request.body:
                # Slack refuses all of a message for one image that it cannot fetch: what happened is told without.
                return post(plain, now, self._backend)
        return outcome

    def _backend(self) -> GuardedBackend:
        return GuardedBackend(self._clock, self._settings.timeout_seconds, Reach.of(self._settings), self._resolve)
