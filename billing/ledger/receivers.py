"""What follows what: the switchboard of this room."""

from django.dispatch import receiver

from accounts.events import organisation_created

from .tasks import grant_trial


@receiver(organisation_created, dispatch_uid="ledger.grant_trial")
def on_organisation_created(sender, *, organisation_id, **facts) -> None:
    grant_trial.delay(str(organisation_id))
