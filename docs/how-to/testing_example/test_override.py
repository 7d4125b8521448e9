from app import app
from fastapi.testclient import TestClient

from fastapi_esdb import NO_STREAM, WrongExpectedRevision, get_connection


class FullStore:
    async def append(self, stream: str, *_: object, **__: object) -> None:
        raise WrongExpectedRevision(stream, NO_STREAM, 0)


def test_a_conflict_is_a_409() -> None:
    app.dependency_overrides[get_connection] = FullStore
    try:
        assert TestClient(app).post("/orders/1").status_code == 409
    finally:
        app.dependency_overrides.clear()
