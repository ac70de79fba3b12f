"""/api/v1/balance"""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Organisation
from kit.api import amount, instant
from kit.api.schema import REFUSALS

from .ledger.queries import wallet_of
from .packages.models import Allowance
from .packages.queries import usable_allowances_of
from .pricing.models import Category

MOST_ALLOWANCES = 200


class AllowanceSerializer(serializers.Serializer):
    """Segments that were bought and can still be sent, for one kind of message and country or for any."""

    id = serializers.UUIDField()
    segments = serializers.IntegerField()
    left = serializers.IntegerField()
    category = serializers.ChoiceField(Category.choices, allow_null=True, help_text="null: any")
    country = serializers.CharField(allow_null=True, help_text="ISO 3166 code; null: any")
    expires_at = serializers.DateTimeField()


class BalanceSerializer(serializers.Serializer):
    """What can be spent.  Amounts are in currency units, as text, exact to the last digit."""

    currency = serializers.CharField()
    available = serializers.CharField(help_text="balance and credit line together: what messages can be accepted for")
    balance = serializers.CharField(help_text="what is in the wallet; below zero while the credit line is in use")
    held = serializers.CharField(help_text="set aside for messages on their way; no longer in the balance")
    credit_line = serializers.CharField()
    allowances = AllowanceSerializer(many=True, help_text="in the order they will be used: nearest expiry first")


_EXAMPLE = {
    "currency": "GBP",
    "available": "1403.0926",
    "balance": "1403.0926",
    "held": "12.04",
    "credit_line": "0",
    "allowances": [
        {
            "id": "019aab34-2c02-7a05-b1b3-9f5f9f6b0c11",
            "segments": 50000,
            "left": 11340,
            "category": None,
            "country": "GB",
            "expires_at": "2027-11-22T15:12:00.000Z",
        }
    ],
}


class BalanceView(APIView):
    """Wallet and allowances."""

    required_scope = {"GET": "balance:read"}

    @extend_schema(
        operation_id="get_balance",
        summary="Get the wallet's balance and what is left of packages",
        responses={
            200: OpenApiResponse(
                BalanceSerializer,
                description="What can be spent now.",
                examples=[OpenApiExample("A wallet and a package", _EXAMPLE, response_only=True)],
            ),
            **REFUSALS,
        },
    )
    def get(self, request: Request) -> Response:
        return Response(balance_body(request.auth.organisation))


def balance_body(organisation: Organisation) -> dict[str, Any]:
    wallet = wallet_of(organisation)
    return {
        "currency": wallet.currency,
        "available": amount(wallet.available),
        "balance": amount(wallet.balance),
        "held": amount(wallet.held),
        "credit_line": amount(wallet.credit_line),
        "allowances": [_allowance(one) for one in usable_allowances_of(organisation)[:MOST_ALLOWANCES]],
    }


def _allowance(allowance: Allowance) -> dict[str, Any]:
    return {
        "id": str(allowance.pk),
        "segments": allowance.segments,
        "left": allowance.left,
        "category": allowance.category or None,
        "country": allowance.country or None,
        "expires_at": instant(allowance.expires_at),
    }
