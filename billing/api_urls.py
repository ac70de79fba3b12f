"""The billing part of /api/v1/."""

from django.urls import path

from .api import BalanceView

urlpatterns = [
    path("balance", BalanceView.as_view(), name="balance"),
]
