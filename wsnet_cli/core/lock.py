"""Files that one process holds at a time, so that no two write the same."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from .errors import WsnetError
from .files import explain_os_errors


@contextlib.contextmanager
def hold(path: Path, *, refusal: WsnetError | None = None, remove: bool = False) -> Iterator[None]:
    """Be the only process that holds a file; what a killed one held the system gives back.

    Args:
        path: of the file, which is made where it is missing; its folder is there.
        refusal: raised at once where another process holds it; None waits for its end.
        remove: whether the file goes at the end, as far as the system lets it.

    Raises:
        WsnetError: `refusal`.
        FileError: the system has no locks there, or refused one.
    """
    import filelock

    lock = filelock.FileLock(path, timeout=-1 if refusal is None else 0)
    with explain_os_errors("lock", path):
        try:
            held = lock.acquire()
        except filelock.Timeout as error:
            assert refusal is not None
            raise refusal from error
        except NotImplementedError as error:
            raise OSError(str(error)) from error
    with held:
        try:
            yield
        finally:
            # While it is held, as later it could be another process' lock.
            is_left = remove and not _try_unlink(path)
    # Windows refuses that, but only there the second try is safe: it fails if another process
    # holds the lock.
    if is_left:
        _try_unlink(path)


def _try_unlink(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
