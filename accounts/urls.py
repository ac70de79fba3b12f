from django.urls import path

from . import views

app_name = "accounts"

urlpatterns = [
    path("switch/", views.SwitchView.as_view(), name="switch"),
]
