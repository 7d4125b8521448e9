"""Event types as an app has them: a pydantic model, a dataclass, a TypedDict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from fastapi_esdb.events.event_types import EventTypes

events = EventTypes()


class Line(BaseModel):
    """A part of an order."""

    sku: str
    price: Decimal


@events("OrderPlaced")
class OrderPlaced(BaseModel):
    """A pydantic model, with an alias."""

    order_id: UUID = Field(alias="orderId")
    lines: list[Line] = []


@events("OrderPaid")
@dataclass(frozen=True)
class OrderPaid:
    """A dataclass."""

    amount: Decimal
    at: datetime


@events("OrderNoted")
class OrderNoted(TypedDict):
    """A TypedDict: what is appended is a dict, which does not know its type."""

    text: str
