// A gRPC server on Node's own HTTP/2: `node node.cjs PORT`. Messages are bytes; a request says what it wants in text.
"use strict";

const { Metadata, Server, ServerCredentials, status } = require("@grpc/grpc-js");

const same = (bytes) => bytes;

const call = (path, requestStream, responseStream) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});

const calls = {
  echo: call("/test.Interop/Echo", false, false),
  fail: call("/test.Interop/Fail", false, false),
  many: call("/test.Interop/Many", false, true),
  never: call("/test.Interop/Never", false, true),
  both: call("/test.Interop/Both", true, true),
};

async function many(stream) {
  const [count, size] = stream.request.toString().split(" ").map(Number);
  for (let number = 0; number < count; number += 1) {
    if (!stream.write(Buffer.alloc(size, number % 256))) await new Promise((resolve) => stream.once("drain", resolve));
  }
  stream.end();
}

function fail(request, answer) {
  const metadata = new Metadata();
  metadata.add("reason", "because");
  metadata.add("reason-bin", Buffer.from([0, 1, 255]));
  answer({ code: status.ABORTED, details: "für 100 %", metadata });
}

const server = new Server({ "grpc.max_receive_message_length": -1 });
server.addService(calls, {
  echo: (request, answer) => answer(null, request.request),
  fail,
  many,
  never: () => {},
  both: (stream) => {
    stream.on("data", (bytes) => stream.write(bytes));
    stream.on("end", () => stream.end());
  },
});
server.bindAsync(`127.0.0.1:${process.argv[2]}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
