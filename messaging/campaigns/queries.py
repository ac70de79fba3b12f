"""Every read of this room worth a name.  Each runs in the organisation's scope."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Organisation
from kit.queries import one_of

from .models import Campaign, Recipient, RecipientFile, SkippedRow, UnusableRow


def campaigns_of(organisation: Organisation) -> QuerySet[Campaign]:
    """All campaigns, newest first, with their file, template and sender."""
    return (
        Campaign.objects.filter(organisation=organisation)
        .select_related("file", "version__template", "sender", "created_by")
        .order_by("-id")
    )


def campaign_of(organisation: Organisation, id: UUID, *, lock: bool = False) -> Campaign:
    """One of the organisation's campaigns; with `lock`, nobody else changes it until the transaction ends.

    Raises NotFound for anybody else's.
    """
    campaigns = campaigns_of(organisation)
    return one_of(campaigns.select_for_update(of=("self",)) if lock else campaigns, pk=id)


def file_of(organisation: Organisation, id: UUID, *, lock: bool = False) -> RecipientFile:
    """One of the organisation's recipient files.  Raises NotFound for anybody else's."""
    files = RecipientFile.objects.filter(organisation=organisation)
    return one_of(files.select_for_update(of=("self",)) if lock else files, pk=id)


def recipients_of(file: RecipientFile) -> QuerySet[Recipient]:
    """The usable rows in the file's order."""
    return Recipient.objects.filter(organisation_id=file.organisation_id, file=file).order_by("row")


def unusable_rows_of(file: RecipientFile) -> QuerySet[UnusableRow]:
    """The rows nothing can be sent to, duplicates included, in the file's order."""
    return UnusableRow.objects.filter(organisation_id=file.organisation_id, file=file).order_by("row")


def skipped_rows_of(campaign: Campaign) -> QuerySet[SkippedRow]:
    """What was left out when its turn came, in the file's order."""
    return SkippedRow.objects.filter(organisation_id=campaign.organisation_id, campaign=campaign).order_by("row", "id")
