"""The content of events: content types, and JSON from bytes."""

from __future__ import annotations

import json
from typing import Any

JSON = "application/json"
OCTET_STREAM = "application/octet-stream"


def parsed(data: bytes) -> Any:
    """Return the JSON in the bytes. Raises `json.JSONDecodeError` if there is none, or if Python can't read it.

    Python can't read text that is not Unicode, brackets nested too deeply, and numbers of more than 4,300 digits.
    """
    try:
        return json.loads(data)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise json.JSONDecodeError(str(error), "", 0) from error
