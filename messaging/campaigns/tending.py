"""Making a campaign's places in the queue agree with its status, piece by piece."""

from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from messaging.engine.dispatch.holding import BATCH, cancel_campaign_queue, hold_campaign, let_go_campaign

from .models import Campaign

STEPS = {
    Campaign.Status.PAUSED: hold_campaign,
    Campaign.Status.CANCELLED: cancel_campaign_queue,
    Campaign.Status.SENDING: let_go_campaign,
}


def tend(*, campaign_id: UUID) -> bool:
    """Hold, let go or cancel one piece of the campaign's queue, by its status; whether there may be more at once.

    The campaign's row is locked meanwhile, so that pausing and resuming never cross a piece of the other's work.
    Once nothing is left and no message can come back any more, the sweep forgets the campaign.  Runs under the engine.
    """
    campaign = Campaign.objects.select_for_update(no_key=True).filter(pk=campaign_id).first()
    if campaign is None or campaign.tend_queue_until is None:
        return False
    step = STEPS.get(Campaign.Status(campaign.status))
    done = step(campaign.pk, limit=BATCH) if step else 0
    if done == BATCH:
        return True
    _forget(campaign)
    return False


def _forget(campaign: Campaign) -> None:
    Campaign.objects.filter(Q(tend_queue_until__lt=timezone.now()), pk=campaign.pk).update(tend_queue_until=None)
