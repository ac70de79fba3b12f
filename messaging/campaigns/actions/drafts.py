"""A campaign before it starts: to whom, what, when."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import PurePath
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from kit.errors import Invalid
from kit.events import emit
from messaging.campaigns.errors import NotADraftCampaign
from messaging.campaigns.events import estimate_wanted
from messaging.campaigns.measuring import AT_ONCE, estimate_of, measure
from messaging.campaigns.models import Campaign, RecipientFile
from messaging.campaigns.queries import campaign_of, file_of
from messaging.campaigns.wording import Wording, make_wording, wording_of
from messaging.content.queries import sendable
from messaging.content.rules.variables import VariableSpec, check_values
from messaging.content.texts import clean_line
from messaging.content.wording import sentence

LONGEST_NAME = 120


@transaction.atomic
def create_draft(
    *, organisation: Organisation, file: RecipientFile, by: User, name: str = "", is_test: bool = False
) -> Campaign:
    """A campaign to the file's recipients, to be completed.  Without a name it is called like the file."""
    return Campaign.objects.create(
        organisation=organisation,
        name=_name(name) if name else PurePath(file.name).stem[:LONGEST_NAME] or str(_("Campaign")),
        file=file_of(organisation, file.pk),
        is_test=is_test,
        created_by=by,
    )


@transaction.atomic
def set_file(*, organisation: Organisation, campaign_id: UUID, file: RecipientFile) -> Campaign:
    """Send to another file's recipients.  Columns the new file does not have are forgotten."""
    campaign = _draft(organisation, campaign_id)
    campaign.file, campaign.estimate = file_of(organisation, file.pk), {}
    campaign.save(update_fields=["file", "estimate"])
    return campaign


@transaction.atomic
def set_message(
    *,
    organisation: Organisation,
    campaign_id: UUID,
    version_id: UUID,
    sender_id: UUID,
    columns: Mapping[str, str],
    fixed: Mapping[str, str],
    name: str = "",
) -> Campaign:
    """Choose what is said, under which sender, and where each variable's value comes from.

    `columns` gives a variable a column of the file, `fixed` a text for everyone or for whose cell is empty; each
    variable needs one of them.  Raises Invalid naming the variables with a problem, NotApproved, NotFound.
    """
    campaign = _draft(organisation, campaign_id)
    version, sender = sendable(organisation, version_id, sender_id)
    columns = {variable: column for variable, column in columns.items() if column}
    fixed = {variable: text.strip() for variable, text in fixed.items() if text.strip()}
    wording = make_wording(version, sender, columns, fixed)
    if problems := _problems(wording, campaign.file):
        raise Invalid(fields={"variables": " ".join(problems.values())}, variables=problems)
    campaign.version, campaign.sender, campaign.category = version, sender, version.template.category
    campaign.variable_columns, campaign.fixed_values = columns, fixed
    campaign.name = _name(name) if name else campaign.name
    campaign.save(
        update_fields=["version", "sender", "category", "variable_columns", "fixed_values", "name"]
    )  # fmt: skip
    count_or_ask(campaign)
    return campaign


@transaction.atomic
def set_schedule(*, organisation: Organisation, campaign_id: UUID, starts_at: datetime | None) -> Campaign:
    """Choose when it starts; None is at once.  Raises Invalid for a time that is past."""
    campaign = _draft(organisation, campaign_id)
    campaign.starts_at = check_time(starts_at)
    campaign.save(update_fields=["starts_at"])
    return campaign


def count_or_ask(campaign: Campaign) -> None:
    """Count what a draft will take: small ones now, large ones by a task.  Nothing is done for what is known."""
    file, wording = campaign.file, wording_of(campaign)
    if wording is None or file is None or not file.is_read or estimate_of(campaign):
        return
    if file.tally["valid"] > AT_ONCE:
        emit(estimate_wanted, sender=Campaign, campaign_id=campaign.pk)
        return
    campaign.estimate = asdict(measure(file=file, wording=wording, organisation=campaign.organisation))
    campaign.save(update_fields=["estimate"])


def check_time(starts_at: datetime | None) -> datetime | None:
    if starts_at is not None and starts_at <= timezone.now():
        raise Invalid(fields={"starts_at": _("Choose a time in the future, or send now.")})
    return starts_at


def _draft(organisation: Organisation, campaign_id: UUID) -> Campaign:
    campaign = campaign_of(organisation, campaign_id, lock=True)
    if not campaign.is_draft:
        raise NotADraftCampaign(status=campaign.status)
    campaign.organisation = organisation
    return campaign


def _name(name: str) -> str:
    return clean_line("name", name, longest=LONGEST_NAME)


def _problems(wording: Wording, file: RecipientFile | None) -> dict[str, str]:
    """What is wrong with each variable, by its name."""
    known = set(file.columns if file else ())
    specs = {spec.name: spec for spec in wording.version.specs}
    problems = {
        name: str(_("The text has no variable “%(variable)s”.") % {"variable": name})
        for name in (*wording.columns, *wording.fixed)
        if name not in specs
    }
    for name, spec in specs.items():
        column = wording.columns.get(name)
        if column and column not in known:
            problems[name] = str(_("The file has no column “%(column)s”.") % {"column": column})
        elif text := wording.fixed.get(name):
            problems |= _text_problems(spec, text)
    for name in wording.missing():
        problems[name] = str(_("“%(variable)s” needs a column or a text.") % {"variable": name})
    return problems


def _text_problems(spec: VariableSpec, text: str) -> dict[str, str]:
    found = check_values([spec], {spec.name: text})
    return {spec.name: sentence(found[0].code, found[0].variable, found[0].details)} if found else {}
