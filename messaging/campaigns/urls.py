"""The pages of this room.  Included by messaging.urls, which gives them the namespace `messaging`."""

from django.urls import path

from .views import confirming, lists, live, message, recipients

urlpatterns = [
    path("campaigns/", lists.CampaignsView.as_view(), name="campaigns"),
    path("campaigns/new/", recipients.NewCampaignView.as_view(), name="campaign_new"),
    path("campaigns/<uuid:id>/", live.CampaignView.as_view(), name="campaign"),
    path("campaigns/<uuid:id>/minutes/", live.MinutesView.as_view(), name="campaign_minutes"),
    path("campaigns/<uuid:id>/pause/", live.ActView.as_view(act="pause"), name="campaign_pause"),
    path("campaigns/<uuid:id>/resume/", live.ActView.as_view(act="resume"), name="campaign_resume"),
    path("campaigns/<uuid:id>/cancel/", live.ActView.as_view(act="cancel"), name="campaign_cancel"),
    path("campaigns/<uuid:id>/results.csv", live.ResultsCsvView.as_view(), name="campaign_results"),
    path("campaigns/<uuid:id>/recipients/", recipients.RecipientsView.as_view(), name="send_recipients"),
    path("campaigns/<uuid:id>/recipients/file/", recipients.ReplaceFileView.as_view(), name="send_file"),
    path("campaigns/<uuid:id>/recipients/reading/", recipients.ReadingView.as_view(), name="send_reading"),
    path("campaigns/<uuid:id>/recipients/unusable.csv", recipients.UnusableRowsCsvView.as_view(), name="send_unusable"),
    path("campaigns/<uuid:id>/message/", message.MessageView.as_view(), name="send_message"),
    path("campaigns/<uuid:id>/schedule/", confirming.ScheduleView.as_view(), name="send_schedule"),
    path("campaigns/<uuid:id>/review/", confirming.ReviewView.as_view(), name="send_review"),
]
