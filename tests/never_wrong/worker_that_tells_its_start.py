"""A dispatch worker whose process tells who else is in it when Celery closes what it inherited, and at the end.

python -m tests.never_wrong.worker_that_tells_its_start
"""

import logging
import threading

import django


def tell(what: str) -> None:
    threads = sorted(thread.name for thread in threading.enumerate())
    logging.getLogger(__name__).warning("%s beside %s", what, threads)


def main() -> None:
    django.setup()
    from celery.fixups.django import DjangoWorkerFixup
    from celery.signals import worker_init, worker_process_init

    from portal.celery import app

    close = DjangoWorkerFixup.on_worker_process_init

    def tell_and_close(fixup, **kwargs):
        tell("celery closes what was inherited,")
        close(fixup, **kwargs)

    def be_last(**kwargs):
        worker_process_init.connect(lambda **kwargs: tell("the process has begun"), weak=False)

    DjangoWorkerFixup.on_worker_process_init = tell_and_close
    worker_init.connect(be_last, weak=False)
    app.worker_main(["worker", "-Q", "dispatch", "-c", "1", "--without-gossip", "--without-mingle", "-l", "INFO"])


if __name__ == "__main__":
    main()
