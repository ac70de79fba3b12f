"""The operator's pages of this room.  Included by messaging.urls, which gives them the namespace `messaging`."""

from django.urls import path

from . import views

urlpatterns = [
    path("channels/", views.ChannelsView.as_view(), name="channels"),
    path("channels/new/<slug:type>/", views.NewChannelView.as_view(), name="channel_new"),
    path("channels/<uuid:id>/", views.ChannelView.as_view(), name="channel"),
    path("channels/<uuid:id>/settings/", views.ChannelSettingsView.as_view(), name="channel_settings"),
    path("channels/<uuid:id>/switch/", views.SwitchChannelView.as_view(), name="channel_switch"),
    path("channels/<uuid:id>/routes/", views.AddRouteView.as_view(), name="route_new"),
    path("channels/<uuid:id>/routes/<uuid:route_id>/remove/", views.RemoveRouteView.as_view(), name="route_remove"),
    path("channels/<uuid:id>/test/", views.TestChannelView.as_view(), name="channel_test"),
]
