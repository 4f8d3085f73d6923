# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads of the controller, over https alone: from where, how much and how long is bounded."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path
from time import monotonic

from ..errors import FleetError
from .deadline import TooLarge, pieces, within

SCHEME = "https://"

_SILENCE = 60.0


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
    try:
        return within(timeout, lambda until: _fetched(url, place, until, limit))
    except urllib.error.HTTPError as error:
        raise _failed(url, str(error)) from error
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError, TooLarge) as error:
        raise _failed(url, str(getattr(error, "reason", error))) from error


def _fetched(url: str, place: Path, until: float, limit: int) -> str:
    opener, digest = urllib.request.build_opener(_OnlyHttps()), hashlib.sha256()
    silence = max(0.001, min(until - monotonic(), _SILENCE))
    # The file first: a download that was given up meanwhile must not make one.
    with place.open("wb") as stream, opener.open(url, timeout=silence) as answer:
        for piece in pieces(answer, until, limit):
            digest.update(piece)
            stream.write(piece)
    return digest.hexdigest()


def _failed(url: str, why: str) -> FleetError:
    return FleetError(
        f"fetch {shown(url)}",
        why,
        "Look at the address and at the proxy of the controller (https_proxy); or fetch it by hand and give "
        "its path as identifier.",
    )
