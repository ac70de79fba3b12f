"""The pages of this room.  Included by messaging.urls, which gives them the namespace `messaging`."""

from django.urls import path

from . import views

urlpatterns = [
    path("webhooks/", views.WebhooksView.as_view(), name="webhooks"),
    path("webhooks/new/", views.NewWebhookView.as_view(), name="webhook_new"),
    path("webhooks/<uuid:id>/", views.WebhookView.as_view(), name="webhook"),
    path("webhooks/<uuid:id>/test/", views.TestView.as_view(), name="webhook_test"),
    path("webhooks/<uuid:id>/secret/", views.RotateView.as_view(), name="webhook_rotate"),
    path("webhooks/<uuid:id>/switch/", views.SwitchView.as_view(), name="webhook_switch"),
    path("webhooks/<uuid:id>/replay/", views.ReplayFailedView.as_view(), name="webhook_replay_failed"),
    path("webhooks/<uuid:id>/remove/", views.RemoveView.as_view(), name="webhook_remove"),
    path("webhooks/deliveries/<uuid:id>/replay/", views.ReplayView.as_view(), name="webhook_replay"),
]
