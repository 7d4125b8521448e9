"""Pydantic models as the data of events: what a model writes, the same model reads back."""

from __future__ import annotations

import math
import traceback
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from types import GenericAlias
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    Json,
    PrivateAttr,
    RootModel,
    SecretBytes,
    SecretStr,
    SerializeAsAny,
    ValidationError,
    computed_field,
    create_model,
    field_serializer,
    field_validator,
)

from fastapi_esdb import InvalidArgument, NewEvent

SECRET = "hunter2"


def read_back(model: BaseModel) -> BaseModel:
    return type(model).model_validate_json(NewEvent("T", model).data)


class Animal(BaseModel):
    name: str = "Rex"


class Dog(Animal):
    kind: Literal["dog"] = "dog"
    legs: int = 4


class Cat(Animal):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Aliased(BaseModel):
    order_id: int = Field(alias="orderId")
    lines: list[Aliased] = []


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=str.upper, validate_by_name=True)
    total: Decimal


class ByName(BaseModel):
    model_config = ConfigDict(serialize_by_alias=False, validate_by_name=True, validate_by_alias=False)
    total: int = Field(alias="Total")


class Texts(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="strings")
    value: float
    values: list[float] = []


class Parsed(BaseModel):
    parsed: Json[dict[str, int]]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    net: int

    @computed_field  # type: ignore[prop-decorator]  # as pydantic's documentation writes it
    @property
    def gross(self) -> int:
        return self.net * 119 // 100


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str = ""


class Login(BaseModel):
    user: str
    password: SecretStr


class Revealed(Login):
    @field_serializer("password", when_used="json")
    def reveal(self, value: SecretStr) -> str:
        return value.get_secret_value()


class Partly(BaseModel):
    kept: int
    left_out: int = Field(default=0, exclude=True)
    _own: int = PrivateAttr(default=1)


class Numbers(RootModel[list[float]]):
    def __iter__(self) -> Iterator[float]:  # type: ignore[override]  # as pydantic's documentation suggests
        return iter(self.root)


class OwnWay(BaseModel):
    name: str = Field(alias="n")

    def model_dump_json(self, **_: Any) -> str:
        return f'{{"n":"{self.name}"}}'


class Home(BaseModel):
    pet: Annotated[Dog | Cat, Field(discriminator="kind")]


KEPT: dict[str, BaseModel] = {
    "alias": Aliased(orderId=1, lines=[Aliased(orderId=2)]),
    "alias generator": Camel(total=Decimal("12.50")),
    "aliases switched off": ByName(total=3),
    "not a number, as a text": Texts(value=math.inf, values=[1.5, -math.inf]),
    "JSON inside": Parsed(parsed='{"a": 1}'),
    "computed field": Strict(net=100),
    "extra values": Open.model_validate({"name": "x", "more": [1, {"a": None}]}),
    "secret that is revealed": Revealed(user="ada", password=SecretStr(SECRET)),
    "root model": Numbers([1.0, 2.5]),
    "own way": OwnWay(n="x"),
    "one of several classes": Home(pet=Cat(lives=7)),
}


@pytest.mark.parametrize("model", KEPT.values(), ids=KEPT)
def test_a_model_reads_back_what_it_wrote(model: BaseModel) -> None:
    """Whatever it is set to do with names, numbers and what is computed."""
    assert read_back(model) == model


def test_a_number_that_is_none_is_read_back_where_the_model_writes_a_text() -> None:
    """NaN is unequal to itself, and still the same."""
    read = read_back(Texts(value=math.nan, values=[math.nan]))
    assert isinstance(read, Texts)
    assert [math.isnan(number) for number in (read.value, *read.values)] == [True, True]


def test_computed_fields_are_written_where_the_model_does_not_mind() -> None:
    """Other readers of the event may want them; only a model that forbids what it does not know does without."""

    class Lenient(Strict):
        model_config = ConfigDict(extra="ignore")

    assert NewEvent("T", Lenient(net=100)).data == b'{"net":100,"gross":119}'
    assert NewEvent("T", Strict(net=100)).data == b'{"net":100}'


def test_what_a_model_leaves_out_itself_is_left_out() -> None:
    """An excluded field and a private attribute were never meant to be written."""
    model = Partly(kept=1, left_out=5)
    model._own = 7
    assert NewEvent("T", model).data == b'{"kept":1}'


def test_a_field_of_any_type_may_hold_what_json_has_another_type_for() -> None:
    """Its type promises nothing: a date is read back as the text that it was written as."""

    class Anything(BaseModel):
        value: Any
        values: dict[str, Any] = {}
        bare: list = []  # type: ignore[type-arg]  # as it is often written

    at = datetime(2026, 1, 2, tzinfo=UTC)
    model = Anything(value=(1, at), values={"at": at, "pet": Dog()}, bare=[at])
    assert read_back(model) == Anything(
        value=[1, at.isoformat().replace("+00:00", "Z")],
        values={"at": at.isoformat().replace("+00:00", "Z"), "pet": {"name": "Rex", "kind": "dog", "legs": 4}},
        bare=[at.isoformat().replace("+00:00", "Z")],
    )


class Owner(BaseModel):
    pet: Animal = Animal()
    pets: list[Animal] = []
    any_pet: SerializeAsAny[Animal] = Animal()
    score: float | None = None
    scores: dict[str, list[float]] = {}
    token: SecretBytes | None = None
    photo: bytes = b""
    when: str | datetime = ""
    anything: Any = None


class ReadByAnother(BaseModel):
    name: str = Field(default="", validation_alias=AliasChoices("n", "nom"))


class WrittenAsAnother(BaseModel):
    name: str = Field(serialization_alias="n")


class NotExcludable(BaseModel):
    name: str = Field(exclude=True)


class Constants(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="constants")
    value: float


class Picky(BaseModel):
    text: str

    @field_validator("text")
    @classmethod
    def shortened(cls, value: str) -> str:
        return value.removesuffix("!")


def changed(model: BaseModel, **values: Any) -> BaseModel:
    """With values that pydantic has not checked, as after an assignment."""
    return model.model_copy(update=values)


LOST: dict[str, tuple[BaseModel, str]] = {
    "NaN": (Owner(score=math.nan), "Owner.score is NaN or infinite"),
    "infinity inside": (Owner(scores={"a": [1, math.inf]}), r"Owner.scores\['a'\]\[1\]|Owner.scores.a\[1\] is NaN"),
    "NaN in a root model": (Numbers([1, math.nan]), r"Numbers\[1\] is NaN or infinite"),
    "NaN of any type": (Owner(anything=math.nan), "Owner.anything is NaN or infinite"),
    "NaN as a constant": (Constants(value=math.nan), "Constants holds a number that is NaN or infinite"),
    "secret": (Login(user="ada", password=SecretStr(SECRET)), "Login.password is a SecretStr"),
    "secret bytes": (Owner(token=SecretBytes(SECRET.encode())), "Owner.token is a SecretBytes"),
    "secret of any type": (Owner(anything=[SecretStr(SECRET)]), "Owner.anything"),
    "subclass": (Owner(pet=Dog()), "Owner.pet: it is a Dog, and the Animal that is declared"),
    "subclass inside": (Owner(pets=[Animal(), Dog()]), r"Owner.pets\[1\]: it is a Dog"),
    "subclass written as what it is": (Owner(any_pet=Dog()), "Owner.any_pet: it is a Dog"),
    "another type of a union": (
        Owner(when=datetime(2026, 1, 2, tzinfo=UTC)),
        "Owner.when: it would be read back as another",
    ),
    "bytes that are no text": (Owner(photo=b"\xff"), "Owner.photo holds what pydantic has no JSON for"),
    "an object": (Owner(anything=object()), "Owner.anything holds what pydantic has no JSON for"),
    "read by an alias": (ReadByAnother(n=SECRET), "ReadByAnother.name: it would be read back as another value"),
    "written by an alias": (WrittenAsAnother(name=SECRET), r"WrittenAsAnother.name: .* \(missing\)"),
    "excluded and required": (NotExcludable(name=SECRET), r"NotExcludable.name: .* \(missing\)"),
    "read as something else": (changed(Picky(text=""), text=f"{SECRET}!"), "Picky.text: it would be read back"),
    "wrong type": (changed(Login(user="", password=""), user=5), r"Login.user: .* \(string_type\)"),
}


@pytest.mark.parametrize(("model", "message"), LOST.values(), ids=LOST)
@pytest.mark.parametrize("argument", ["data", "metadata"])
def test_what_would_not_be_read_back_is_refused(model: BaseModel, message: str, argument: str) -> None:
    """The error names the field and never its value, and neither does a traceback."""
    with pytest.raises(InvalidArgument, match=f"event 'T': {argument} cannot be written as JSON: {message}") as raised:
        NewEvent("T", *([model] if argument == "data" else [{}, model]))
    assert SECRET not in "".join(traceback.format_exception(raised.value))


class Color(Enum):
    RED = "red"
    ONE = 1


class Line(BaseModel):
    model_config = ConfigDict(alias_generator=lambda name: f"line_{name}")
    sku: str
    price: float | None = None


FIELDS: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(),
    float: st.floats(),
    str: st.text(),
    bool: st.booleans(),
    bytes: st.binary(max_size=5),
    date: st.dates(),
    datetime: st.datetimes(timezones=st.none() | st.timezones()),
    time: st.times(),
    timedelta: st.timedeltas(),
    Decimal: st.decimals(),
    UUID: st.uuids(),
    Color: st.sampled_from(Color),
    SecretStr: st.text().map(SecretStr),
    Line: st.builds(Line, line_sku=st.text(), line_price=st.none() | st.floats()),
    Animal: st.sampled_from([Animal(name="x"), Dog(legs=3), Cat()]),
    Dog | Cat: st.sampled_from([Dog(legs=3), Cat()]),
    str | UUID: st.text() | st.uuids(),
    int | float: st.integers() | st.floats(),
    date | datetime: st.dates() | st.datetimes(),
    tuple[int, str]: st.tuples(st.integers(), st.text()),
    frozenset[int]: st.frozensets(st.integers()),
    dict[int, str]: st.dictionaries(st.integers(), st.text(max_size=2), max_size=2),
    Json[list[int]]: st.lists(st.integers(-9, 9)),
}
CONFIGS = [
    ConfigDict(),
    ConfigDict(alias_generator=lambda name: f"{name}Alias"),
    ConfigDict(extra="forbid"),
    ConfigDict(ser_json_inf_nan="strings"),
    ConfigDict(ser_json_timedelta="float", ser_json_bytes="base64"),
]


@cache
def model_of(config: int, *shapes: tuple[int, bool]) -> type[BaseModel]:
    """A class with fields of those types, by their numbers; some of them lists."""
    kinds: list[Any] = [list(FIELDS)[number] for number, _ in shapes]
    several = [GenericAlias(list, kind) if many else kind for kind, (_, many) in zip(kinds, shapes, strict=True)]
    fields: dict[str, Any] = {f"f{number}": (kind, ...) for number, kind in enumerate(several)}
    return create_model("Generated", __config__=CONFIGS[config], **fields)


@st.composite
def models(draw: st.DrawFn) -> BaseModel:
    shapes = draw(st.lists(st.tuples(st.integers(0, len(FIELDS) - 1), st.booleans()), min_size=1, max_size=3))
    kind = model_of(draw(st.integers(0, len(CONFIGS) - 1)), *shapes)
    strategies = [list(FIELDS.values())[number] for number, _ in shapes]
    several = [st.lists(one, max_size=3) if many else one for one, (_, many) in zip(strategies, shapes, strict=True)]
    return kind.model_construct(**{f"f{number}": draw(strategy) for number, strategy in enumerate(several)})


def comparable(value: Any) -> Any:
    """The same with a text for NaN, which is unequal to itself."""
    if isinstance(value, BaseModel):
        return type(value), {name: comparable(item) for name, item in value}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def event_of(model: BaseModel) -> NewEvent | None:
    """Nothing where it is refused."""
    try:
        return NewEvent("T", model)
    except InvalidArgument:
        return None


@settings(deadline=None, max_examples=100)
@given(models())
def test_generated_models_are_read_back_or_refused(model: BaseModel) -> None:
    """Whatever types of fields come together: it is the same value, or an error; nothing in between."""
    event = event_of(model)
    assume(event)
    assert event
    assert comparable(type(model).model_validate_json(event.data)) == comparable(model)


@settings(deadline=None, max_examples=100)
@given(models())
def test_nothing_is_refused_that_pydantic_reads_back(model: BaseModel) -> None:
    """The check takes nothing away from models that are faithful as they are."""
    try:
        data = model.model_dump_json(by_alias=True, warnings=False)
        faithful = type(model).model_validate_json(data) == model
    except (ValueError, ValidationError):
        faithful = False
    assume(faithful)
    assert NewEvent("T", model).data == data.encode()
