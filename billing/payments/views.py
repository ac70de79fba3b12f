"""Buying: to Stripe and back.  The page a buyer comes back to only reads; the webhook grants."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import FormView, TemplateView

from accounts.rules.permissions import Permission
from accounts.views_support import OrganisationMixin
from billing.ledger.queries import wallet_of
from billing.packages.actions import start_purchase
from billing.packages.models import Purchase
from billing.packages.queries import package_for, purchase_of, purchases_of
from kit.api import body_of, error_body
from kit.formatting import format_money
from kit.htmx import FragmentMixin
from kit.money import money
from kit.tables import TableListView

from .checkout import start_checkout
from .errors import ForgedEvent
from .forms import TopUpForm
from .inbox import receive_event
from .refunds import request_refund
from .tables import TONES, PurchaseTable

MOST_EVENT_BYTES = 1024 * 1024
USUAL_TOP_UPS = ("20", "50", "100", "500")


def go_to_payment(request: HttpRequest, purchase: Purchase) -> HttpResponse:
    """Send the buyer to the hosted page of a purchase."""
    page = request.build_absolute_uri(reverse("billing:purchase", args=[purchase.pk]))
    return HttpResponseRedirect(start_checkout(purchase, return_url=page))


class CheckoutView(OrganisationMixin, View):
    """Buy one package of the catalogue."""

    permission = Permission.PAY
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        package = package_for(self.organisation, _id(request.POST.get("package", "")))
        purchase = start_purchase(organisation=self.organisation, package=package, by=request.user)
        return go_to_payment(request, purchase)


class TopUpView(OrganisationMixin, FormView):
    permission = Permission.PAY
    form_class = TopUpForm
    template_name = "billing/top_up.html"

    def get_form_kwargs(self):
        return {**super().get_form_kwargs(), "currency": self.organisation.currency}

    def get_initial(self):
        return {"amount": self.request.GET.get("amount", "")[:9]}

    def get_context_data(self, **kwargs):
        chosen = self.request.GET.get("amount")
        choices = [
            {
                "label": format_money(money(amount), self.organisation.currency, decimals=0),
                "url": f"?amount={amount}",
                "active": amount == chosen,
            }
            for amount in USUAL_TOP_UPS
        ]
        return super().get_context_data(purse=wallet_of(self.organisation), choices=choices, **kwargs)

    def form_valid(self, form: TopUpForm) -> HttpResponse:
        purchase = start_purchase(
            organisation=self.organisation, amount=form.cleaned_data["amount"], by=self.request.user
        )
        return go_to_payment(self.request, purchase)


class PurchasesView(OrganisationMixin, FragmentMixin, TableListView):
    permission = Permission.VIEW_BILLING
    table_class = PurchaseTable
    rows_a_page = 25
    template_name = "billing/purchases.html"
    fragment_template_name = "billing/_purchases.html"

    def get_queryset(self):
        return purchases_of(self.organisation)


class PurchaseView(OrganisationMixin, FragmentMixin, TemplateView):
    """One purchase, and where a buyer comes back to: it asks again until the webhook has granted."""

    permission = Permission.VIEW_BILLING
    template_name = "billing/purchase.html"
    fragment_template_name = "billing/_purchase.html"

    def get_context_data(self, id: UUID, **kwargs):
        purchase = purchase_of(self.organisation, id)
        allowance = getattr(purchase, "allowance", None)
        is_whole = allowance is not None and allowance.taken == 0 and allowance.withdrawn_at is None
        return super().get_context_data(
            purchase=purchase,
            allowance=allowance,
            tone=TONES[purchase.status],
            came_back=self.request.GET.get("paid") == "1",
            can_refund=purchase.status == Purchase.Status.PAID and is_whole,
            is_returning=bool(allowance and allowance.withdrawn_at) and purchase.status == Purchase.Status.PAID,
            purse=wallet_of(self.organisation),
            **kwargs,
        )


class PayView(OrganisationMixin, View):
    """Back to the payment page of a purchase that waits."""

    permission = Permission.PAY
    http_method_names = ["post"]

    def post(self, request: HttpRequest, id: UUID) -> HttpResponse:
        return go_to_payment(request, purchase_of(self.organisation, id))


class RefundView(OrganisationMixin, View):
    """Give an unused package back."""

    permission = Permission.PAY
    http_method_names = ["post"]

    def post(self, request: HttpRequest, id: UUID) -> HttpResponse:
        request_refund(purchase=purchase_of(self.organisation, id))
        return redirect("billing:purchase", id=id)


@method_decorator(csrf_exempt, name="dispatch")
class StripeWebhookView(View):
    """Stripe's events.  Answers 200 once the event is stored; 400 and nothing stored when it isn't Stripe's."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        if len(request.body) > MOST_EVENT_BYTES:
            return JsonResponse(error_body("too_large", _("No event is as large as this.")), status=413)
        try:
            receive_event(payload=request.body, signature=request.headers.get("Stripe-Signature", ""))
        except ForgedEvent as refusal:
            return JsonResponse(body_of(refusal), status=refusal.status)
        return JsonResponse({"received": True})


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None
