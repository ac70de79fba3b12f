"""Taking uploads in: no more than allowed, and before a transaction waits for somebody's slow line."""

from collections.abc import Callable

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, HttpResponse


class LimitedUpload(FileUploadHandler):
    """Drops a file once it is longer than settings.UPLOAD_LIMIT_BYTES and notes that on the request."""

    def new_file(self, *args, **kwargs) -> None:
        super().new_file(*args, **kwargs)
        self.length = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.length += len(raw_data)
        if self.length > settings.UPLOAD_LIMIT_BYTES:
            self.request.upload_too_large = True
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The handlers after this one keep the file."""


class UploadMiddleware:
    """Reads forms with files to their end before the request goes on.  It has to come before the tenant's transaction."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and request.content_type == "multipart/form-data":
            request.upload_handlers.insert(0, LimitedUpload(request))
            request.POST  # noqa: B018 - asking for it reads the body
        return self.get_response(request)


def is_too_large(request: HttpRequest) -> bool:
    """Whether a file of this request was dropped."""
    return getattr(request, "upload_too_large", False)
