# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads of the controller, over https alone: from where, how much and how long is bounded."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from pathlib import Path
from time import monotonic

from ..errors import FleetError

SCHEME = "https://"

_SILENCE = 60.0
_CHUNK = 2**20


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    """Follows no redirect to where anybody on the way could put something else."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if not newurl.startswith(SCHEME):
            raise urllib.error.URLError(f"it redirects to {shown(newurl)}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def shown(source: str) -> str:
    """An address without what may be secret in it."""
    return source.partition("?")[0]


def download(url: str, place: Path, timeout: float, limit: int) -> str:
    """Fetch what is at an https address into a file; returns its sha256 (hex).

    :param timeout: seconds for all of it. :param limit: bytes at most.
    :raises FleetError: what was written until then is for the caller to remove.
    """
    deadline, digest, size = monotonic() + timeout, hashlib.sha256(), 0
    try:
        opener = urllib.request.build_opener(_OnlyHttps())
        with opener.open(url, timeout=min(timeout, _SILENCE)) as answer, place.open("wb") as stream:
            while piece := answer.read(_CHUNK):
                size += len(piece)
                if size > limit or monotonic() > deadline:
                    why = f"it is larger than {limit // 2**20} MB" if size > limit else "it took too long"
                    raise _failed(url, why)
                digest.update(piece)
                stream.write(piece)
    except urllib.error.HTTPError as error:
        raise _failed(url, str(error)) from error
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise _failed(url, str(getattr(error, "reason", error))) from error
    return digest.hexdigest()


def _failed(url: str, why: str) -> FleetError:
    return FleetError(
        f"fetch {shown(url)}",
        why,
        "Look at the address and at the proxy of the controller (https_proxy); or fetch it by hand and give "
        "its path as identifier.",
    )
