// By server-sent events. The browser comes back by itself, but not after an answer like 503.
function follow(url, types, show, pause = 1000) {
  let last = "";
  function open() {
    const source = new EventSource(last ? `${url}?last_event_id=${encodeURIComponent(last)}` : url);
    for (const type of types) {
      source.addEventListener(type, (event) => {
        last = event.lastEventId;
        show(last, type, JSON.parse(event.data));
      });
    }
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) setTimeout(open, pause);
    };
  }
  open();
}

// By a WebSocket, which browsers never open again by themselves.
function followBySocket(url, show, pause = 1000) {
  let last = "";
  function open() {
    const socket = new WebSocket(last ? `${url}?last_event_id=${encodeURIComponent(last)}` : url);
    socket.onmessage = (message) => {
      const { id, event, data } = JSON.parse(message.data);
      last = id;
      show(id, event, data);
    };
    socket.onclose = () => setTimeout(open, pause);
  }
  open();
}
