"""Drives a server through scenarios and tells what it answered.

A scenario is a list of steps, each with one verb:

  call   send all requests, take every response (at most `take`) and the status
  open   start a call under a name and keep it open
  send   send more requests on an open call
  recv   take `take` more responses of an open call, fewer if `timeout` seconds pass
  close  cancel an open call; with `finish`, half-close it and take the rest instead
  sleep  wait some seconds
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc

from tests.conformance.channels import Channel
from tests.conformance.messages import Json, Rpc, find_rpc, from_json, rich_details, to_json
from tests.conformance.symbols import Names, normalise

HERE = Path(__file__).parent
VERBS = ("call", "open", "send", "recv", "close", "sleep")
STEP_TIMEOUT = 10.0
"""Seconds for the responses of a step that doesn't say otherwise."""

ENDED = (grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError)
"""What sending on a call raises that the server has ended meanwhile."""


def scenarios(*files: str) -> list[tuple[str, Json]]:
    """The scenarios of these files, each with its file's name."""
    loaded = [(name, json.loads((HERE / "scenarios" / f"{name}.json").read_text())) for name in files]
    return [(name, scenario) for name, listed in loaded for scenario in listed]


def recorded(version: str, file: str, scenario: str) -> list[Json]:
    """What a server of that version answered to a scenario, a result for each step."""
    answers: list[Json] = json.loads((HERE / "recorded" / version / f"{file}.json").read_text())[scenario]
    return answers


class Call:
    """A running call; its responses are read as they come, so that a wait for one can be given up."""

    def __init__(self, channel: Channel, rpc: Rpc, metadata: list[tuple[str, str]]) -> None:
        self.rpc = rpc
        self._raw: Any = channel.stream_stream(f"/{rpc.path}")(metadata=metadata)  # of bytes, both ways
        self._responses: asyncio.Queue[Json | None] = asyncio.Queue()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with suppress(grpc.aio.AioRpcError):  # `status` tells it
            while (raw := await self._raw.read()) is not grpc.aio.EOF:
                await self._responses.put(to_json(self.rpc.response.FromString(raw)))
        await self._responses.put(None)

    async def send(self, requests: list[Json]) -> None:
        """Send the requests, unless the server has ended the call meanwhile."""
        with suppress(*ENDED):
            for request in requests:
                await self._raw.write(from_json(self.rpc.request, request).SerializeToString())

    async def done_sending(self) -> None:
        with suppress(*ENDED):
            await self._raw.done_writing()

    async def take(self, most: int | None, patience: float) -> tuple[list[Json], bool]:
        """Up to `most` responses, and whether the call has ended."""
        taken: list[Json] = []
        try:
            async with asyncio.timeout(patience):
                while most is None or len(taken) < most:
                    if (response := await self._responses.get()) is None:
                        await self._responses.put(None)
                        return taken, True
                    taken.append(response)
        except TimeoutError:
            pass
        return taken, False

    async def status(self) -> Json:
        """How the call ended."""
        trailers = dict(await self._raw.trailing_metadata() or ())
        texts = {key: value for key, value in trailers.items() if isinstance(value, str)}
        status: Json = {"code": (await self._raw.code()).name, "details": await self._raw.details() or ""}
        status["trailers"] = texts
        if rich := trailers.get("grpc-status-details-bin"):
            status["rich_details"] = rich_details(rich)
        return status

    async def cancel(self) -> None:
        self._raw.cancel()
        self._reader.cancel()
        await asyncio.wait([self._reader])


class Runner:
    """Runs scenarios on a channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def run(self, scenario: Json) -> list[Json]:
        """One result for each step of the scenario, `{}` for those that receive nothing."""
        run = _Run(self._channel)
        try:
            results = [await run.step(step) for step in scenario["steps"]]
        finally:
            await run.close()
        answers: list[Json] = normalise(results, run.names)
        return answers


class _Run:
    def __init__(self, channel: Channel) -> None:
        self.names = Names()
        self._channel = channel
        self._calls: dict[str, Call] = {}

    async def step(self, step: Json) -> Json:
        verb = next(verb for verb in VERBS if verb in step)
        result: Json = await getattr(self, f"_{verb}")(step) or {}
        for name, place in step.get("save", {}).items():
            self.names.saved[name] = _at(result, place)
        return result

    async def close(self) -> None:
        for call in self._calls.values():
            await call.cancel()

    async def _sleep(self, step: Json) -> None:
        await asyncio.sleep(step["sleep"])

    async def _call(self, step: Json) -> Json:
        call = self._start(step["call"], step)
        try:
            await call.send(self.names.fill(step.get("requests", [])))
            await call.done_sending()
            return await self._taken(call, step)
        finally:
            await call.cancel()

    async def _open(self, step: Json) -> None:
        call = self._calls[step["open"]] = self._start(step["rpc"], step)
        await call.send(self.names.fill(step.get("requests", [])))
        if not call.rpc.client_streams:  # a server waits for the end of the one request
            await call.done_sending()

    async def _send(self, step: Json) -> None:
        await self._calls[step["send"]].send(self.names.fill(step["requests"]))

    async def _recv(self, step: Json) -> Json:
        return await self._taken(self._calls[step["recv"]], step)

    async def _close(self, step: Json) -> Json | None:
        call = self._calls[step["close"]]
        if step.get("finish"):
            await call.done_sending()
            return await self._taken(call, step)
        await self._calls.pop(step["close"]).cancel()
        return None

    def _start(self, path: str, step: Json) -> Call:
        metadata = [(name, str(self.names.fill(value))) for name, value in step.get("metadata", {}).items()]
        return Call(self._channel, find_rpc(path), metadata)

    async def _taken(self, call: Call, step: Json) -> Json:
        responses, ended = await call.take(step.get("take"), step.get("timeout", STEP_TIMEOUT))
        return {"responses": responses, "status": await call.status()} if ended else {"responses": responses}


def _at(value: Any, place: str) -> Any:
    for part in place.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value
