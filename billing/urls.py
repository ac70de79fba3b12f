from django.urls import path

from billing.ledger.views import WalletCsvView, WalletView
from billing.packages.views import OverviewView, PackagesView
from billing.payments.views import (
    CheckoutView,
    PayView,
    PurchasesView,
    PurchaseView,
    RefundView,
    StripeWebhookView,
    TopUpView,
)

app_name = "billing"

urlpatterns = [
    path("billing/", OverviewView.as_view(), name="overview"),
    path("billing/wallet/", WalletView.as_view(), name="wallet"),
    path("billing/wallet.csv", WalletCsvView.as_view(), name="wallet_csv"),
    path("billing/packages/", PackagesView.as_view(), name="packages"),
    path("billing/packages/checkout/", CheckoutView.as_view(), name="checkout"),
    path("billing/top-up/", TopUpView.as_view(), name="top_up"),
    path("billing/purchases/", PurchasesView.as_view(), name="purchases"),
    path("billing/purchases/<uuid:id>/", PurchaseView.as_view(), name="purchase"),
    path("billing/purchases/<uuid:id>/pay/", PayView.as_view(), name="pay"),
    path("billing/purchases/<uuid:id>/refund/", RefundView.as_view(), name="refund"),
    path("webhooks/stripe", StripeWebhookView.as_view(), name="stripe_webhook"),
]
