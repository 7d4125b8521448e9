// What a projection's source finds around it: the functions that define it while it is evaluated, and those that
// write events while its handlers run. Evaluates to the functions that the server calls, see `script.py`.
(() => {
  "use strict";
  const { parse, stringify } = JSON;
  const { assign, defineProperty, entries } = Object;

  const definition = {
    streams: [],
    types: [],
    category: "",
    by_stream: false,
    by_partition: false,
    shares_state: false,
    handles_deleted: false,
    includes_links: false,
    outputs_state: false,
    result_stream: null,
    partition_result_stream: null,
  };
  const handlers = new Map();
  const created = [];
  const transforms = [];
  const special = { __proto__: null, $init: null, $initShared: null, $any: null, $deleted: null };
  let partitionOf = null;
  let isFromAll = false;

  // --- defining: each step of the chain allows some others ---

  const outputs = ["transformBy", "filterBy", "outputState", "outputTo"];
  const following = {
    fromStream: ["when", "partitionBy", "outputState"],
    fromStreams: ["when", "partitionBy", "outputState"],
    fromAll: ["when", "partitionBy", "foreachStream", "outputState"],
    fromCategory: ["when", "partitionBy", "foreachStream", "outputState"],
    foreachStream: ["when"],
    partitionBy: ["when"],
    when: [...outputs, "$defines_state_transform"],
    outputState: ["transformBy", "filterBy", "outputTo"],
    transformBy: outputs,
    filterBy: outputs,
    outputTo: [],
  };
  const chain = {};

  function after(step) {
    for (const name of Object.keys(chain)) delete chain[name];
    for (const name of following[step]) chain[name] = steps[name];
    return chain;
  }

  function text(value, what) {
    if (typeof value !== "string") throw new TypeError(`${what} must be a string`);
    return value;
  }

  function callable(value, what) {
    if (typeof value !== "function") throw new TypeError(`${what} must be a function`);
    return value;
  }

  function list(values) {
    return values.length === 1 && Array.isArray(values[0]) ? values[0] : values;
  }

  function addHandler(name, handler) {
    if (name === "$created") created.push(handler);
    else if (name in special) special[name] = handler;
    else handlers.set(name, handler);
    if (name === "$initShared") definition.shares_state = true;
    if (name === "$deleted") definition.handles_deleted = true;
    if (special.$deleted && definition.shares_state) throw new Error("$deleted can't be handled with a shared state");
  }

  function addTransform(isFilter, change) {
    transforms.push({ isFilter, change });
    definition.outputs_state = true;
  }

  const steps = {
    when(given) {
      for (const [name, handler] of entries(given ?? {})) if (typeof handler === "function") addHandler(name, handler);
      return after("when");
    },
    partitionBy(select) {
      partitionOf = callable(select, "partitionBy's argument");
      definition.by_partition = true;
      return after("partitionBy");
    },
    foreachStream() {
      definition.by_stream = true;
      return after("foreachStream");
    },
    outputState() {
      definition.outputs_state = true;
      return after("outputState");
    },
    transformBy(change) {
      addTransform(false, callable(change, "transformBy's argument"));
      return after("transformBy");
    },
    filterBy(accepts) {
      addTransform(true, callable(accepts, "filterBy's argument"));
      return after("filterBy");
    },
    outputTo(stream, pattern) {
      definition.result_stream = text(stream, "outputTo's stream");
      if (pattern !== undefined) definition.partition_result_stream = text(pattern, "outputTo's pattern");
      return after("outputTo");
    },
    $defines_state_transform() {
      definition.outputs_state = true;
    },
  };

  const settings = {
    __proto__: null,
    $includelinks: ["boolean", (value) => (definition.includes_links = value)],
    reorderevents: ["boolean", () => {}], // events always come in the order of the log here
    processinglag: ["number", () => {}],
    resultstreamname: ["string", (value) => (definition.result_stream = value)],
    bistate: ["boolean", (value) => (definition.shares_state = value)],
  };

  function setOption([name, value]) {
    const setting = settings[name.toLowerCase()];
    if (!setting) throw new Error(`Unrecognized option: ${name}`);
    if (typeof value !== setting[0]) throw new TypeError(`the option ${name} must be a ${setting[0]}`);
    setting[1](value);
  }

  function read(streams, step) {
    definition.streams.push(...streams);
    return after(step);
  }

  function fromCategories(...given) {
    const categories = list(given).map((category) => text(category, "a category"));
    if (categories.length === 1 && !Array.isArray(given[0])) definition.category = categories[0];
    return read(categories.map((category) => `$ce-${category}`), "fromCategory");
  }

  const defining = {
    options: (given) => entries(given ?? {}).forEach(setOption),
    fromAll() {
      isFromAll = true;
      return after("fromAll");
    },
    fromStream: (stream) => read([text(stream, "fromStream's argument")], "fromStream"),
    fromStreams: (...given) => read(list(given).map((stream) => text(stream, "a stream")), "fromStreams"),
    fromCategory: fromCategories,
    fromCategories,
    on_event: (name, handler) => addHandler(text(name, "on_event's type"), callable(handler, "on_event's handler")),
    on_any: (handler) => addHandler("$any", callable(handler, "on_any's handler")),
  };

  // --- writing: what handlers emit is collected, and handed over after each event ---

  let emitted = [];
  let logged = [];

  function named(value, what) {
    if (!text(value, what).trim()) throw new TypeError(`${what} must not be empty`);
    return value;
  }

  function object(value, what) {
    if (value === null || typeof value !== "object") throw new TypeError(`${what} must be an object`);
    return value;
  }

  function write(stream, type, data, isJson, metadata) {
    const extra = metadata === undefined ? {} : object(metadata, "the metadata");
    emitted.push({ stream: named(stream, "the stream"), type, data, is_json: isJson, metadata: extra });
  }

  const writing = {
    emit(stream, type, data, metadata) {
      write(stream, named(type, "the event's type"), stringify(object(data, "the event's body")), true, metadata);
    },
    linkTo(stream, event, metadata) {
      const { sequenceNumber, streamId } = object(event, "the event to link to");
      if (typeof sequenceNumber !== "number" || typeof streamId !== "string") {
        throw new TypeError(`Invalid link to event ${sequenceNumber}@${streamId}`);
      }
      write(stream, "$>", `${sequenceNumber}@${streamId}`, false, metadata);
    },
    linkStreamTo(stream, linked, metadata) {
      write(stream, "$@", named(linked, "the linked stream"), false, metadata);
    },
    copyTo() {}, // servers have it, and it does nothing
  };

  function log(...values) {
    logged.push(values.map((value) => (typeof value === "object" ? stringify(value) : String(value))).join(" ,"));
  }

  // --- running: an event at a time, with the state of its partition ---

  let state;
  let shared;
  let before; // the text of the state before the event

  function lazily(event, names, raw) {
    let value;
    let isRead = false;
    const get = () => {
      if (!isRead) value = raw && raw.trim() ? parse(raw) : null;
      isRead = true;
      return value;
    };
    for (const name of names) defineProperty(event, name, { get, enumerable: true });
  }

  function envelope(told) {
    const event = parse(told);
    if (event.isJson) lazily(event, ["body", "data"], event.bodyRaw);
    lazily(event, ["metadata"], event.metadataRaw);
    lazily(event, ["linkMetadata"], event.linkMetadataRaw);
    return event;
  }

  const passed = () => (definition.shares_state ? [state, shared] : state);

  function keep(returned) {
    if (definition.shares_state && Array.isArray(returned)) [state, shared] = returned;
    else if (returned !== undefined) state = returned;
  }

  function apply(handler, event) {
    const given = passed();
    const returned = handler(given, event);
    keep(returned === undefined ? given : returned);
  }

  function process(event) {
    const handler = handlers.get(event.eventType) ?? special.$any;
    if (handler) apply(handler, event);
    else if (event.isJson) state = event.body;
  }

  function result() {
    let value = passed();
    if (!transforms.length) return state;
    for (const { isFilter, change } of transforms) {
      const changed = change(value);
      if (isFilter ? changed !== true : changed === null || changed === undefined) return null;
      if (!isFilter) value = changed;
    }
    return value;
  }

  // A line each: the state, the shared state, the result (empty where the state is as before), what is logged, and then
  // each event that is emitted.
  function outcome() {
    const after = stringify(state ?? null);
    const lines = [after, stringify(shared ?? null), after === before ? "" : stringify(result() ?? null)];
    before = after;
    lines.push(stringify(logged));
    for (const event of emitted) lines.push(stringify(event));
    emitted = [];
    logged = [];
    return lines.join("\n");
  }

  const running = {
    loadShared(told) {
      shared = told === null ? (special.$initShared ? special.$initShared() : {}) : parse(told);
    },
    // Begin with a partition: with its state, or with a new one.
    load(told) {
      emitted = [];
      logged = [];
      state = told === null ? (special.$init ? special.$init() : {}) : parse(told);
      before = told;
    },
    create(told) {
      for (const handler of created) handler(passed(), envelope(told));
    },
    partition(told) {
      const partition = partitionOf(envelope(told));
      return stringify(typeof partition === "string" || typeof partition === "number" ? String(partition) : null);
    },
    handle(told) {
      process(envelope(told));
      return outcome();
    },
    skip: outcome,
    delete(partition) {
      if (special.$deleted) special.$deleted(state, null, parse(partition), false);
      return outcome();
    },
  };

  function seal() {
    if (isFromAll === definition.streams.length > 0) {
      throw new Error("a projection reads fromAll(), or fromStream(), fromStreams() or fromCategory()");
    }
    for (const name of Object.keys(defining)) delete globalThis[name];
    assign(globalThis, writing);
    const isEverything = special.$any !== null || handlers.size === 0;
    return stringify({ ...definition, types: isEverything ? null : [...handlers.keys()] });
  }

  assign(globalThis, defining, { log });
  return (name, told) => (name === "seal" ? seal() : running[name](told));
})();
