"""Measuring in a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE


async def apart(module: str, *arguments: object) -> list[float]:
    """What the module prints as JSON, run with these arguments."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    printed, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{module} failed")
    found: list[float] = json.loads(printed)
    return found
