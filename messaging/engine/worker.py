"""What a Celery worker process of the dispatch queue does besides tasks: it holds the carriers' binds."""

from celery.signals import worker_init, worker_process_init, worker_process_shutdown

from messaging.channels import runtime

from .dispatch import close_journal, give_back_of_the_dead, keep_journal

DISPATCH_QUEUE = "dispatch"

_consumes_dispatch = False
_keeper: runtime.Keeper | None = None


@worker_init.connect
def remember_queues(sender, **kwargs) -> None:
    global _consumes_dispatch
    _consumes_dispatch = DISPATCH_QUEUE in sender.app.amqp.queues.consume_from


@worker_process_init.connect
def hold_binds(**kwargs) -> None:
    global _keeper
    if _consumes_dispatch:
        keep_journal()
        give_back_of_the_dead()
        _keeper = runtime.Keeper()
        _keeper.start()


@worker_process_shutdown.connect
def let_go(**kwargs) -> None:
    if _keeper:
        _keeper.stop()
    runtime.close_all()
    close_journal()
