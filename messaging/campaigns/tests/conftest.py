import pytest


@pytest.fixture(autouse=True)
def uploads_of_our_own(settings, tmp_path):
    """Uploaded files go where the test ends."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}},
    }
