"""What comes in and goes out, described for the API's document."""

from typing import Any

from rest_framework import serializers

from billing.pricing.models import Category
from kit.api import amount, instant
from messaging.campaigns.models import Campaign, RecipientFile
from messaging.campaigns.progress import CampaignProgress
from messaging.content.rules.variables import LONGEST_VALUE, MOST_VARIABLES


class UploadSerializer(serializers.Serializer):
    """A list of recipients: XLSX, CSV or text in any encoding, up to 64 MiB and a million rows."""

    file = serializers.FileField(max_length=None, allow_empty_file=True)
    default_region = serializers.CharField(
        max_length=2, required=False, help_text="Country of numbers without a country code; your own unless told."
    )


class TallySerializer(serializers.Serializer):
    """rows = valid + unusable + duplicates + blank"""

    rows = serializers.IntegerField()
    valid = serializers.IntegerField()
    unusable = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    blank = serializers.IntegerField()
    by_country = serializers.DictField(child=serializers.IntegerField())
    by_reason = serializers.DictField(child=serializers.IntegerField())


class WhySerializer(serializers.Serializer):
    """Why something was refused or has stopped."""

    code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.DictField()


class RecipientFileSerializer(serializers.Serializer):
    """A list as it was read.  `tally` is there once `status` is `read`, `refusal` when it is `refused`."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.ChoiceField(RecipientFile.Status.choices)
    size = serializers.IntegerField(help_text="bytes")
    rows_read = serializers.IntegerField()
    default_region = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField(), help_text="what variables can be filled from")
    encoding = serializers.CharField(allow_blank=True)
    tally = TallySerializer(allow_null=True)
    refusal = WhySerializer(allow_null=True)


class ValueSerializer(serializers.Serializer):
    """Where a variable's value comes from: a column of the file, a text, or the text where the cell is empty."""

    column = serializers.CharField(required=False, allow_blank=True, max_length=120, default="")
    text = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_VALUE, default="")


class NewCampaignSerializer(serializers.Serializer):
    """A campaign to start now, or at `starts_at`."""

    name = serializers.CharField(max_length=120, required=False, default="")
    file = serializers.UUIDField(help_text="id of a recipient file that was read")
    template = serializers.CharField(max_length=80, help_text="id or name of an approved template")
    sender = serializers.CharField(
        max_length=80, required=False, default="", help_text="id or name; may be left out when you have one"
    )
    variables = serializers.DictField(child=ValueSerializer(), required=False, default=dict)
    starts_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
        if len(variables) > MOST_VARIABLES:
            raise serializers.ValidationError(f"Give at most {MOST_VARIABLES} variables.")
        return variables


class ProgressSerializer(serializers.Serializer):
    """`handed_over` of `reachable` is `percent`; delivered + waiting + failed + no_receipt = handed_over."""

    percent = serializers.IntegerField()
    reachable = serializers.IntegerField()
    handed_over = serializers.IntegerField()
    delivered = serializers.IntegerField()
    waiting = serializers.IntegerField()
    failed = serializers.IntegerField()
    no_receipt = serializers.IntegerField()
    not_sent = serializers.IntegerField()
    left_out = serializers.IntegerField(help_text="a value that can't be sent, or opted out")
    failures = serializers.DictField(child=serializers.IntegerField(), help_text="by the carrier's code")


class MoneySerializer(serializers.Serializer):
    """Amounts in currency units, as text."""

    currency = serializers.CharField()
    spent = serializers.CharField(help_text="on delivered messages")
    held = serializers.CharField(help_text="set aside for those on their way")
    returned = serializers.CharField(help_text="of those that did not arrive")


class NamedSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()


class CampaignSerializer(serializers.Serializer):
    """A campaign as it stands now."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.ChoiceField(Campaign.Status.choices)
    is_test = serializers.BooleanField()
    category = serializers.ChoiceField(Category.choices, allow_blank=True)
    file = serializers.UUIDField(allow_null=True)
    template = NamedSerializer(allow_null=True)
    sender = NamedSerializer(allow_null=True)
    recipients = serializers.IntegerField()
    accepted = serializers.IntegerField()
    skipped = serializers.IntegerField()
    progress = ProgressSerializer()
    money = MoneySerializer()
    stopped = WhySerializer(allow_null=True)
    created_at = serializers.DateTimeField()
    starts_at = serializers.DateTimeField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class CampaignPageSerializer(serializers.Serializer):
    """One page of campaigns, newest first."""

    campaigns = CampaignSerializer(many=True)
    next = serializers.UUIDField(allow_null=True, help_text="Give it as `cursor` for the next page; null on the last.")


def file_body(file: RecipientFile) -> dict[str, Any]:
    return {
        "id": str(file.pk),
        "name": file.name,
        "status": file.status,
        "size": file.size,
        "rows_read": file.rows_read,
        "default_region": file.default_region,
        "columns": file.columns if file.is_read else [],
        "encoding": file.shape.get("encoding", ""),
        "tally": file.tally or None,
        "refusal": file.refusal or None,
    }


def campaign_body(progress: CampaignProgress, currency: str) -> dict[str, Any]:
    campaign = progress.campaign
    return {
        "id": str(campaign.pk),
        "name": campaign.name,
        "status": campaign.status,
        "is_test": campaign.is_test,
        "category": campaign.category,
        "file": str(campaign.file_id) if campaign.file_id else None,
        "template": _named(campaign.version and campaign.version.template),
        "sender": _named(campaign.sender),
        "recipients": campaign.recipients,
        "accepted": campaign.accepted,
        "skipped": campaign.skipped,
        "progress": _progress_body(progress),
        "money": {
            "currency": currency,
            "spent": amount(progress.spent),
            "held": amount(progress.held),
            "returned": amount(progress.returned),
        },
        "stopped": campaign.stop_reason or None,
        "created_at": instant(campaign.created_at),
        "starts_at": instant(campaign.starts_at),
        "started_at": instant(campaign.started_at),
        "ended_at": instant(campaign.ended_at),
    }


def _progress_body(progress: CampaignProgress) -> dict[str, Any]:
    return {
        "percent": progress.percent,
        "reachable": progress.reachable,
        "handed_over": progress.handed_over,
        "delivered": progress.delivered,
        "waiting": progress.waiting,
        "failed": progress.failed,
        "no_receipt": progress.expired,
        "not_sent": progress.not_sent,
        "left_out": progress.left_out,
        "failures": {reason["code"]: reason["count"] for reason in progress.reasons},
    }


def _named(thing) -> dict[str, str] | None:
    return {"id": str(thing.pk), "name": thing.name} if thing else None
