"""The addresses of this room under /api/v1/.  Included by messaging.api_urls."""

from django.urls import path

from .api import views

urlpatterns = [
    path("recipient-files", views.RecipientFilesView.as_view(), name="recipient_files"),
    path("recipient-files/<uuid:id>", views.RecipientFileView.as_view(), name="recipient_file"),
    path("campaigns", views.CampaignsView.as_view(), name="campaigns"),
    path("campaigns/<uuid:id>", views.CampaignView.as_view(), name="campaign"),
    path("campaigns/<uuid:id>/pause", views.PauseView.as_view(), name="campaign_pause"),
    path("campaigns/<uuid:id>/resume", views.ResumeView.as_view(), name="campaign_resume"),
    path("campaigns/<uuid:id>/cancel", views.CancelView.as_view(), name="campaign_cancel"),
]
