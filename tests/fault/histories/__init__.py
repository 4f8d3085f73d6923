# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random histories of a host that exists in memory and on a RAM disk, with the real updater working on it.

Real are: module_utils/update, journal, edge, slot files and launchers. Made up are what they touch at their
rims: HAProxy (``haproxy``), the process supervisor (``supervisor``), registries (``packages``), servers and
clients (``network``), the clock (``clock``) and a disk that forgets what was not synced (``disk``).
"""
