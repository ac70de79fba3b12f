from django.urls import path

from . import views
from .explorer import ExplorerView, SchemaView
from .home.views import HomeView, LiveCampaignView

app_name = "site"

urlpatterns = [
    path("", views.LandingView.as_view(), name="landing"),
    path("home/", HomeView.as_view(), name="home"),
    path("home/sending-now/", LiveCampaignView.as_view(), name="live_campaign"),
    path("docs/", views.DocsView.as_view(), name="docs"),
    path("docs/api/", ExplorerView.as_view(), name="explorer"),
    path("docs/openapi.json", SchemaView.as_view(), name="schema"),
    path("brand/logo", views.LogoView.as_view(), name="logo"),
]
