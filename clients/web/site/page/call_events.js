/** Passes the events of a call to the state of the page. */

/** The frames that change what the page shows, by the event's name. */
const SHOWN = [
  "status",
  "transcript",
  "audio",
  "interrupted",
  "tool",
  "turn-restarted",
  "reply-lost",
  "turn-end",
  "no-speech",
  "speech-heard",
  "limit-reached",
  "microphone",
  "error",
  "closed",
];
/** The marks of the user's speech, which only the client knows at once. */
const MARKS = /** @type {const} */ ({ speech_start: "speech-start", speech_end: "speech-end" });

/**
 * @param {EventTarget} call a `Call` of `repartee.js`
 * @param {object} page
 * @param {() => boolean} page.isCurrent whether the page still shows this call
 * @param {(event: import("./state/call_state.js").CallEvent) => void} page.take
 * @param {(levels: {input: number, output: number}) => void} page.onLevels
 */
export function passEvents(call, { isCurrent, take, onLevels }) {
  const on = (/** @type {string} */ type, /** @type {(detail: any) => void} */ pass) =>
    call.addEventListener(type, (event) => {
      if (isCurrent() && event instanceof CustomEvent) pass(event.detail);
    });
  for (const type of SHOWN) on(type, (detail) => take({ ...detail, type, atMs: Date.now() }));
  on("audio-level", onLevels);
  on("frame", ({ direction, frame }) => {
    const type = direction === "sent" && MARKS[/** @type {keyof typeof MARKS} */ (frame.type)];
    if (type) take({ type });
  });
}
