# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encryption with age (age-encryption.org): recipients are public, the identity is needed for reading alone.

pyrage comes with the runtime that the role host installs.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ..errors import FleetError

try:
    import pyrage

    HAS_PYRAGE = True
except ImportError:
    HAS_PYRAGE = False


class Recipients:
    """For whom it is encrypted: ``age1…``. :raises FleetError: naming the one that is none."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(sorted({text.strip() for text in texts}))
        if not self.texts:
            cure = (
                "Name the public key (age1…) of an identity that age-keygen made, in mcp_backup_recipients."
            )
            raise FleetError("encrypt the backup", "no recipient is given", cure)
        self.keys: list[Any] = []
        for text in self.texts:
            try:
                self.keys.append(pyrage.x25519.Recipient.from_str(text))
            except pyrage.RecipientError as error:
                # Whoever gives the secret key in its place does not want to see it in a log.
                shown = "a secret key" if text.upper().startswith("AGE-SECRET-KEY") else repr(text)
                raise FleetError(
                    "read mcp_backup_recipients", f"{shown} is no recipient ({error})",
                    "A recipient is public and begins with age1; age-keygen -y shows it.",
                ) from error  # fmt: skip


class Identity:
    """What a backup is read with: the text of a file that age-keygen made. It is in no repr.

    :raises FleetError: when there is no secret key in it.
    """

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines()]
        keys = [line for line in lines if line and not line.startswith("#")]
        try:
            self._keys = [pyrage.x25519.Identity.from_str(key) for key in keys]
        except pyrage.IdentityError:
            self._keys = []
        if not self._keys:
            raise FleetError(
                "read the identity", "there is no secret key of age in it",
                "Give the content of the file that age-keygen made (a line AGE-SECRET-KEY-1…).",
            )  # fmt: skip

    def decrypt(self, source: io.BufferedIOBase, sink: Any) -> None:
        """Write the plain text of ``source`` to ``sink``, each part once it is known to be authentic."""
        pyrage.decrypt_io(source, sink, self._keys)


class _Drawn(io.BufferedIOBase):
    """A generator of bytes as what pyrage reads from. ``error``: what the generator raised."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")
        self.error: BaseException | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            while not self._rest:
                self._rest = memoryview(next(self._chunks))
        except StopIteration:
            return b""
        except BaseException as error:
            self.error = error
            raise
        size = len(self._rest) if size is None or size < 0 else size
        taken, self._rest = self._rest[:size], self._rest[size:]
        return bytes(taken)


def encrypt(chunks: Iterator[bytes], sink: Any, recipients: Recipients) -> None:
    """Encrypt a stream; little of it is in memory at a time. Errors of ``chunks`` come out as they are."""
    drawn = _Drawn(chunks)
    try:
        pyrage.encrypt_io(drawn, sink, recipients.keys)
    except Exception:
        if drawn.error is not None:
            raise drawn.error from None
        raise


@contextmanager
def decrypted(path: Path, identity: Identity) -> Iterator[IO[bytes]]:
    """The plain text of a file as a stream; what comes out of it is authentic, that it is all shows its end.

    :raises FleetError: when it is damaged or for another identity, also at the end of the context.
    """
    thread = _Decryption(path, identity)
    try:
        with thread.opened() as stream:
            yield stream
            while stream.read(2**20):
                pass
    except (FleetError, OSError, EOFError, ValueError) as error:
        thread.join()
        raise (thread.failure() or error) from error
    finally:
        thread.join()
    failure = thread.failure()
    if failure:
        raise failure


class _Decryption(threading.Thread):
    """pyrage writes; who unpacks reads. A pipe is between them, and so a thread."""

    def __init__(self, path: Path, identity: Identity) -> None:
        super().__init__(daemon=True)
        self._path = path
        self._identity = identity
        self._error: Exception | None = None
        self._sink = -1

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        source, self._sink = os.pipe()
        with os.fdopen(source, "rb", buffering=2**16) as stream:
            self.start()
            yield stream

    def run(self) -> None:
        try:
            with os.fdopen(self._sink, "wb", buffering=2**16) as sink, self._path.open("rb") as encrypted:
                self._identity.decrypt(encrypted, sink)
        except BrokenPipeError:
            pass
        except Exception as error:
            self._error = error

    def failure(self) -> FleetError | None:
        """What was wrong with the file, where it was that."""
        if self._error is None:
            return None
        if isinstance(self._error, FileNotFoundError):
            return unreadable(self._path, "it is not there", "Name a backup that mcp_backup made.")
        said = str(self._error)
        if "No matching keys" in said:
            return unreadable(
                self._path, "it was not encrypted for this identity",
                "Give the identity that belongs to a recipient the backup was made for.",
            )  # fmt: skip
        return unreadable(self._path, f"it is damaged or no file of age ({said})")


def unreadable(
    path: Path, why: str, cure: str = "Nothing was touched. Take another copy of it, or an older backup."
) -> FleetError:
    """The error for a backup that cannot be used."""
    return FleetError(f"read the backup {path}", why, cure)
