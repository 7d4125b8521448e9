"""Calling handlers with FastAPI's dependencies: each is a route of an app of its own, which nobody can reach."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import Parameter, Signature
from typing import Annotated, Any, NoReturn

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Scope

from fastapi_esdb.consumers.checkpoints import Mark, require_nothing
from fastapi_esdb.consumers.direct import runs_on_loop
from fastapi_esdb.errors import ConnectionClosed, InvalidSettings
from fastapi_esdb.plugin.started import ClosedByCommand
from fastapi_esdb.wire.errors import InvalidArgument

CALL = "fastapi_esdb.consumers.call"
"""The key of a request's scope that holds what the route is to be called with, and what has come of it."""
SAVE = "_save_"
"""The parameters of a store's `save` beside those of the handler begin with this."""


class Call:
    """One call of a route: what goes in, and what has come out."""

    def __init__(self, *given: Any) -> None:
        self.given = given
        self.loop = asyncio.get_running_loop()
        self.result: object = None
        self.error: Exception | None = None

    @contextmanager
    def error_kept(self) -> Iterator[None]:
        """Keep what is raised, whatever dependencies make of it."""
        try:
            yield
        except Exception as error:
            self.error = error
            raise


class Handlers:
    """The private app, with the dependency overrides and the state of the app that the consumers belong to.

    `state` is what the app's lifespan yielded, which dependencies find as `request.state`.
    """

    def __init__(self, app: Starlette, state: Mapping[str, Any]) -> None:
        self._app = app
        self._state = state
        self._inner = FastAPI(
            openapi_url=None,
            telemetry={"tracing": False, "metrics": False, "logs": False},  # there is no request to tell of
            exception_handlers=dict.fromkeys((HTTPException, RequestValidationError, 404, 500), _raise),
        )
        self._inner.state = app.state

    def add(self, path: str, endpoint: Callable[..., Any]) -> None:
        """Add a route.

        Raises `InvalidSettings` for parameters that are no dependencies: there is no request that would have them.
        """
        routes = self._inner.routes
        before = len(routes)
        self._inner.add_api_route(path, endpoint, methods=["POST"], response_model=None, response_class=Response)
        operation = get_openapi(title="", version="", routes=routes[before:])["paths"][path]["post"]
        missing = [each["name"] for each in operation.get("parameters", ()) if each.get("required")]
        if missing or "requestBody" in operation:
            del routes[before:]
            what = f"{missing[0].removeprefix(SAVE)!r}" if missing else "a parameter"
            raise InvalidSettings(
                f"consumer {path.split('/')[1]!r}: {what} is no dependency, and there is no request that has it"
            )

    async def call(self, path: str, *given: Any) -> object:
        """Call a route's function, and return what that returned when all its dependencies are closed.

        Raises what the function or a dependency raises.
        """
        call = Call(*given)
        overrides = getattr(self._app, "dependency_overrides", None)
        if overrides is not None:
            self._inner.dependency_overrides = overrides
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [],
            "client": None,
            "server": None,
            "state": dict(self._state),
            CALL: call,
        }
        try:
            await self._inner(scope, _receive, _send)
        except ClosedByCommand as error:
            raise ConnectionClosed from error
        except Exception as error:
            if call.error is not None and error is not call.error:
                raise call.error from error
            raise
        return call.result


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: Message) -> None:
    """Nobody waits for the answer: the call has it."""


def _raise(_request: Request, error: Exception) -> NoReturn:
    raise error


async def _call_in(request: Request) -> Call:
    found: Call = request.scope[CALL]
    return found


ACall = Annotated[Call, Depends(_call_in)]


def route_of(
    function: Callable[..., Any], signature: Signature, given: int, save: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """Return an endpoint that calls a function: `given` arguments come from the call, all others are dependencies.

    The function's result, or its error, is left in the call. With `save` that is called after it, with the mark that
    the call has as its last argument.
    """
    own = list(signature.parameters.values())[given:]
    saving = list(signature_of(save).parameters.values())[len(Mark._fields) :] if save is not None else []
    parameters = [Parameter("_call", Parameter.KEYWORD_ONLY, annotation=ACall)]
    parameters += [each.replace(kind=Parameter.KEYWORD_ONLY) for each in own]
    parameters += [each.replace(name=SAVE + each.name, kind=Parameter.KEYWORD_ONLY) for each in saving]

    def take(dependencies: dict[str, Any]) -> dict[str, Any]:
        return {each.name: dependencies.pop(SAVE + each.name) for each in saving}

    endpoint = (
        _on_loop(function, given, save, take) if runs_on_loop(function) else _in_thread(function, given, save, take)
    )
    endpoint.__name__ = getattr(function, "__name__", type(function).__name__)
    endpoint.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # FastAPI reads it as inspect does
    return endpoint


Take = Callable[[dict[str, Any]], dict[str, Any]]


def _on_loop(
    function: Callable[..., Any], given: int, save: Callable[..., Any] | None, take: Take
) -> Callable[..., Any]:
    async def endpoint(_call: Call, **dependencies: Any) -> Response:
        for_save = take(dependencies)
        with _call.error_kept():
            _call.result = await function(*_call.given[:given], **dependencies)
            if save is not None and (mark := _call.given[given]) is not None:
                require_nothing(_call.result)
                await (save(*mark, **for_save) if runs_on_loop(save) else run_in_threadpool(save, *mark, **for_save))
        return Response(status_code=204)

    return endpoint


def _in_thread(
    function: Callable[..., Any], given: int, save: Callable[..., Any] | None, take: Take
) -> Callable[..., Any]:
    def endpoint(_call: Call, **dependencies: Any) -> Response:
        for_save = take(dependencies)
        with _call.error_kept():
            _call.result = function(*_call.given[:given], **dependencies)
            if save is not None and (mark := _call.given[given]) is not None:
                require_nothing(_call.result)
                if runs_on_loop(save):
                    asyncio.run_coroutine_threadsafe(save(*mark, **for_save), _call.loop).result()
                else:
                    save(*mark, **for_save)
        return Response(status_code=204)

    return endpoint


def signature_of(function: Callable[..., Any], names: Mapping[str, Any] | None = None) -> Signature:
    """Return the signature of a function with its annotations as types; `names` are those known where it stands.

    Raises `InvalidArgument` if they can't be read.
    """
    try:
        return inspect.signature(function, eval_str=True, locals=names)
    except (NameError, TypeError, ValueError) as error:
        name = getattr(function, "__name__", type(function).__name__)
        raise InvalidArgument(
            f"the annotations of {name!r} can't be read: {error}. What they name must be importable where it stands"
        ) from error
