// What an experiment is doing, told to a page as it goes on. A browser opens six connections to a server, whatever the
// number of its pages: so at most two pages hold a stream (a Web Lock each), and only while they are seen. The others
// ask every few seconds, as all do where a browser has no locks (it has them on https and on this machine alone).

import { fetchJson } from "./html.js";

const PLACES = ["phaselab stream 1", "phaselab stream 2"];
const ASK_MILLISECONDS = 3000;
const HIDDEN_MILLISECONDS = 30000;

const isOver = ({ status }) => status === "cancelled" || status.startsWith("finished");
const sleep = (milliseconds, signal) => new Promise((done) => {
  const timer = setTimeout(done, milliseconds);
  signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
});

// Calls `told` with every state of the experiment until it is over, the last one included.
export async function follow({ events, experiment }, told) {
  for (;;) {
    const change = onceSeenOrHidden();
    if (!document.hidden) {
      const last = await streamed(events, told, change.signal);
      if (last) return;
    }
    const found = await fetchJson(experiment).catch(() => null); // the server is away for a moment
    if (found) {
      told(found);
      if (isOver(found)) return;
    }
    await sleep(document.hidden ? HIDDEN_MILLISECONDS : ASK_MILLISECONDS, change.signal);
    change.abort(); // or a page that asks for hours would listen a thousand times
  }
}

// Aborts the next time that the page is shown or hidden; it listens for that until it is aborted.
function onceSeenOrHidden() {
  const change = new AbortController();
  document.addEventListener("visibilitychange", () => change.abort(), { signal: change.signal });
  return change;
}

// Follow by a stream, if there is a place; whether it told the last state.
async function streamed(address, told, signal) {
  for (const place of navigator.locks ? PLACES : []) {
    const held = { ifAvailable: true };
    const ended = await navigator.locks.request(place, held, (lock) => (lock ? listen(address, told, signal) : null));
    if (ended !== null) return ended;
  }
  return false;
}

function listen(address, told, signal) {
  return new Promise((done) => {
    const source = new EventSource(address);
    const end = (last) => {
      source.close();
      done(last);
    };
    source.addEventListener("progress", ({ data }) => told(JSON.parse(data)));
    source.addEventListener("finished", ({ data }) => {
      told(JSON.parse(data));
      end(true);
    });
    source.addEventListener("error", () => end(false)); // asked for in the usual way, then tried again
    signal.addEventListener("abort", () => end(false), { once: true });
  });
}
