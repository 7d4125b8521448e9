// What the functions of an index find around them, and how they are called: with one record at a time. Evaluates to the
// functions that the server calls, see `script.py`.
(() => {
  "use strict";
  const { parse } = JSON;
  const { defineProperty, freeze } = Object;
  const { trunc } = Math;
  const text = String;
  const whole = BigInt;
  const evaluate = eval; // not in the scope of this function
  const skip = freeze({ __proto__: null });
  defineProperty(globalThis, "skip", { value: skip });

  let filter = null;
  let select = null;
  let type = "";

  function compiled(source) {
    const found = evaluate(`(${source}\n)`);
    if (typeof evaluate(source) !== "function" || found.length !== 1) throw new TypeError("a function of one argument");
    return found;
  }

  function lazily(record, name, isThere, raw) {
    let value;
    let isRead = false;
    const get = () => {
      if (!isRead) value = isThere && raw ? parse(raw) : null;
      isRead = true;
      return value;
    };
    defineProperty(record, name, { get, enumerable: true });
  }

  function recordOf(told) {
    const { dataRaw, propertiesRaw, isJson, timestamp, ...record } = parse(told);
    record.timestamp = new Date(timestamp);
    lazily(record, "value", isJson, dataRaw);
    lazily(record, "properties", true, propertiesRaw);
    defineProperty(record, "hasValue", { get: () => record.value !== null, enumerable: true });
    return record;
  }

  const limits = { INT_32: 2 ** 31, INT_64: 2 ** 63 };

  // The value as text, `null` where it is of another type.
  function valueText(value) {
    if (type === "STRING") return typeof value === "string" ? value : null;
    if (typeof value !== "number") return null;
    if (type === "DOUBLE") return text(value);
    const number = trunc(value);
    return number >= -limits[type] && number < limits[type] ? text(whole(number)) : null;
  }

  // A dot and the value of a record that belongs into the index, nothing for any other.
  function entry(told) {
    const record = recordOf(told);
    if (filter && filter(record) !== true) return null;
    if (!select) return ".";
    const value = select(record);
    const found = value === skip ? null : valueText(value);
    return found === null ? null : "." + found;
  }

  const running = {
    filter: (source) => void (filter = compiled(source)),
    selector: (source) => void (select = compiled(source)),
    type: (name) => void (type = name),
    entry,
  };
  return (name, told) => running[name](told);
})();
