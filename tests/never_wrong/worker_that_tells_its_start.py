"""A dispatch worker whose process tells who else is in it when Celery closes what it inherited.

python -m tests.never_wrong.worker_that_tells_its_start
"""

import logging
import threading

import django


def main() -> None:
    django.setup()
    from celery.fixups.django import DjangoWorkerFixup

    from portal.celery import app

    close = DjangoWorkerFixup.on_worker_process_init

    def tell_and_close(fixup, **kwargs):
        threads = [thread.name for thread in threading.enumerate()]
        logging.getLogger(__name__).warning("celery closes what was inherited, beside %s", threads)
        close(fixup, **kwargs)

    DjangoWorkerFixup.on_worker_process_init = tell_and_close
    app.worker_main(["worker", "-Q", "dispatch", "-c", "1", "--without-gossip", "--without-mingle", "-l", "INFO"])


if __name__ == "__main__":
    main()
