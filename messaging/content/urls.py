"""The pages of this room.  Included by messaging.urls, which gives them the namespace `messaging`."""

from django.urls import path

from .views import reviews, senders, templates

urlpatterns = [
    path("templates/", templates.TemplatesView.as_view(), name="templates"),
    path("templates/new/", templates.NewTemplateView.as_view(), name="template_new"),
    path("templates/count/", templates.CountView.as_view(), name="count"),
    path("templates/drafts/<uuid:id>/", templates.DraftView.as_view(), name="draft"),
    path("templates/<uuid:id>/", templates.TemplateDetailView.as_view(), name="template"),
    path("templates/<uuid:id>/new-version/", templates.NewVersionView.as_view(), name="template_new_version"),
    path("templates/<uuid:id>/archive/", templates.ArchiveTemplateView.as_view(), name="template_archive"),
    path("templates/senders/", senders.SendersView.as_view(), name="senders"),
    path("templates/senders/new/", senders.NewSenderView.as_view(), name="sender_new"),
    path("templates/senders/<uuid:id>/", senders.SenderView.as_view(), name="sender"),
    path("reviews/", reviews.QueueView.as_view(), name="reviews"),
    path("reviews/<uuid:id>/", reviews.ReviewView.as_view(), name="review"),
]
