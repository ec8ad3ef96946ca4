"""The kinds of channels there are."""

from collections.abc import Mapping
from types import MappingProxyType

from safelight.notifying.alertmanager import Alertmanager
from safelight.notifying.channel import Channel
from safelight.notifying.heartbeat import Heartbeat
from safelight.notifying.pagerduty import PagerDuty
from safelight.notifying.slack import Slack
from safelight.notifying.webhook import SignedWebhook
from safelight.store.channels import ChannelKind

KINDS: Mapping[ChannelKind, Channel] = MappingProxyType(
    {
        ChannelKind.WEBHOOK: SignedWebhook(),
        ChannelKind.PAGERDUTY: PagerDuty(),
        ChannelKind.SLACK: Slack(),
        ChannelKind.ALERTMANAGER: Alertmanager(),
        ChannelKind.HEARTBEAT: Heartbeat(),
    }
)
