"""The pages of this room.  Included by messaging.urls, which gives them the namespace `messaging`."""

from django.urls import path

from . import views

urlpatterns = [
    path("messages/", views.MessagesView.as_view(), name="messages"),
    path("messages.csv", views.MessagesCsvView.as_view(), name="messages_csv"),
    path("messages/<uuid:id>/", views.MessageView.as_view(), name="message"),
    path("messages/<uuid:id>/number/", views.RevealView.as_view(), name="message_reveal"),
    path("search/", views.SearchView.as_view(), name="search"),
]
