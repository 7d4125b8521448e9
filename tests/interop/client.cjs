// The official Node client against a server: `node client.cjs TARGET SCENARIO` prints what it finds as JSON.
"use strict";

const { setTimeout: sleep } = require("node:timers/promises");
const {
  BACKWARDS,
  END,
  FORWARDS,
  KurrentDBClient,
  NO_STREAM,
  START,
  STREAM_STATE,
  jsonEvent,
  persistentSubscriptionToStreamSettingsFromDefaults,
  streamNameFilter,
} = require("@kurrent/kurrentdb-client");

const SOURCE = `
fromStream("s")
  .when({
    $init: () => ({ count: 0 }),
    Counted: (state) => { state.count += 1; return state; },
  })
  .outputState();
`;

const counted = (number) => jsonEvent({ type: "Counted", data: { number }, metadata: { by: "node" } });

const append = (client, count, streamState) =>
  client.appendToStream("s", Array.from({ length: count }, (_, number) => counted(number)), { streamState });

async function collect(events, count = Infinity) {
  const found = [];
  for await (const resolved of events) {
    found.push({ ...resolved, event: resolved.event ?? resolved.link });
    if (found.length >= count) break;
  }
  return found;
}

const revisions = (found) => found.map(({ event }) => Number(event.revision));

async function until(ask, holds) {
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    await sleep(50);
  }
}

const scenarios = {
  async append(client) {
    const { nextExpectedRevision, position } = await append(client, 3, NO_STREAM);
    const conflict = await append(client, 1, NO_STREAM).catch((error) => error);
    const next = await append(client, 1, nextExpectedRevision);
    return {
      revision: Number(nextExpectedRevision),
      hasPosition: position !== undefined,
      conflict: conflict.type,
      next: Number(next.nextExpectedRevision),
    };
  },

  async read(client) {
    await append(client, 300, NO_STREAM);
    const all = await collect(client.readAll({ filter: streamNameFilter({ prefixes: ["s"] }) }));
    const missing = await collect(client.readStream("missing")).catch((error) => error);
    return {
      forwards: revisions(await collect(client.readStream("s", { direction: FORWARDS, fromRevision: 290n }))),
      backwards: revisions(await collect(client.readStream("s", { direction: BACKWARDS, fromRevision: END, maxCount: 2 }))),
      all: all.length,
      last: all.at(-1).event.data,
      metadata: all.at(-1).event.metadata,
      missing: missing.type,
    };
  },

  async subscribe(client) {
    await append(client, 2, NO_STREAM);
    const stream = client.subscribeToStream("s", { fromRevision: START });
    const all = client.subscribeToAll({ fromPosition: START, filter: streamNameFilter({ prefixes: ["s"] }) });
    const inStream = collect(stream, 3);
    const inAll = collect(all, 3);
    await append(client, 1, 1n);
    const found = { stream: revisions(await inStream), all: revisions(await inAll) };
    await Promise.all([stream.unsubscribe(), all.unsubscribe()]);
    return found;
  },

  async persistent(client) {
    await append(client, 3, NO_STREAM);
    const settings = { startFrom: START, checkPointLowerBound: 1, checkPointUpperBound: 1 };
    await client.createPersistentSubscriptionToStream("s", "g", persistentSubscriptionToStreamSettingsFromDefaults(settings));
    const subscription = client.subscribeToPersistentSubscriptionToStream("s", "g", { bufferSize: 2 });
    const found = [];
    for await (const delivery of subscription) {
      const { event, retryCount } = delivery;
      found.push([Number(event.revision), retryCount]);
      if (event.revision === 1n && retryCount === 0) await subscription.nack("retry", "once more", delivery);
      else if (event.revision === 1n) await subscription.nack("park", "no use", delivery);
      else await subscription.ack(delivery);
      if (found.length === 4) break;
    }
    const info = () => client.getPersistentSubscriptionToStreamInfo("s", "g");
    const { stats } = await until(info, ({ stats }) => stats.lastCheckpointedEventRevision === 2n && stats.parkedMessageCount === 1n);
    await client.deletePersistentSubscriptionToStream("s", "g");
    const missing = await info().catch((error) => error);
    return { found: found.sort(), parked: Number(stats.parkedMessageCount), missing: missing.type };
  },

  async atomic(client) {
    const request = (streamName, expectedState) => ({ streamName, expectedState, events: [counted(1)] });
    const { responses } = await client.multiStreamAppend([request("s", NO_STREAM), request("t", NO_STREAM)]);
    const again = await client.multiStreamAppend([request("u", NO_STREAM), request("t", NO_STREAM)]).catch((error) => error);
    const records = ["u", "s", "u"].map((streamName) => ({ streamName, record: counted(2) }));
    const check = { type: STREAM_STATE, streamName: "t", expectedState: 7n };
    const violation = await client.appendRecords(records, [check]).catch((error) => error);
    const written = await client.appendRecords(records, [{ ...check, expectedState: 0n }]);
    const listed = (answers, name) => answers.map((answer) => [answer[name], Number(answer.revision)]).sort();
    return {
      session: listed(responses, "streamName"),
      conflict: again.type,
      violation: violation.type,
      records: listed(written.responses, "streamName"),
    };
  },

  async projection(client) {
    await append(client, 3, NO_STREAM);
    await client.createProjection("counter", SOURCE);
    const state = () => client.getProjectionState("counter");
    const history = await until(state, ({ count }) => count === 3);
    await append(client, 2, 2n);
    const live = await until(state, ({ count }) => count === 5);
    const running = await client.getProjectionStatus("counter");
    await client.disableProjection("counter");
    const status = () => client.getProjectionStatus("counter");
    const stopped = await until(status, ({ projectionStatus }) => projectionStatus.startsWith("Stopped"));
    await client.deleteProjection("counter");
    return { history, live, running: running.projectionStatus, stopped: stopped.projectionStatus };
  },
};

async function main(target, scenario) {
  const client = KurrentDBClient.connectionString(target);
  try {
    console.log(JSON.stringify(await scenarios[scenario](client)));
  } finally {
    await client.dispose();
  }
}

main(...process.argv.slice(2));
