"""The content of events: its types, and JSON out of its bytes."""

from __future__ import annotations

import json
from typing import Any

JSON = "application/json"
OCTET_STREAM = "application/octet-stream"


def parsed(data: bytes) -> Any:
    """The JSON in the bytes. Raises `json.JSONDecodeError` for all that is none, and for what Python does not take.

    That is text which is not Unicode, brackets nested too deeply, and numbers of more than 4,300 digits.
    """
    try:
        return json.loads(data)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise json.JSONDecodeError(str(error), "", 0) from error
