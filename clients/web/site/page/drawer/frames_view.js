import { html, useState } from "../../vendor/preact/standalone.mjs";
import { filtered } from "./frame_log.js";

/** @typedef {import("./frame_log.js").FrameEntry} FrameEntry */

/** More rows make the page slow; the filter reaches the others. */
const SHOWN = 300;

/**
 * The frames of both directions, newest first, with a filter and a pause.
 * @param {{recorder: import("./call_recorder.js").CallRecorder}} props
 */
export function FramesView({ recorder }) {
  const [text, setText] = useState("");
  const [direction, setDirection] = useState(/** @type {"" | "sent" | "received"} */ (""));
  const [isQuiet, setIsQuiet] = useState(true);
  const [paused, setPaused] = useState(/** @type {readonly FrameEntry[] | null} */ (null));
  const { log } = recorder;
  const found = filtered(paused ?? log.entries, { text, direction, isQuiet });
  const shown = found.slice(-SHOWN).reverse();
  return html`<div class="frames">
    <div class="frames-filter">
      <input
        class="input"
        type="search"
        aria-label="Filter the frames"
        placeholder="Filter, such as: turn_end"
        value=${text}
        onInput=${(/** @type {{target: HTMLInputElement}} */ { target }) => setText(target.value)}
      />
      <button
        type="button"
        class="button"
        onClick=${() => setPaused(paused === null ? [...log.entries] : null)}
      >
        ${paused === null ? "Pause" : "Resume"}
      </button>
      <select
        class="input"
        aria-label="Direction"
        value=${direction}
        onChange=${(/** @type {{target: HTMLSelectElement}} */ { target }) =>
          setDirection(/** @type {"" | "sent" | "received"} */ (target.value))}
      >
        <option value="">Both ways</option>
        <option value="sent">Sent</option>
        <option value="received">Received</option>
      </select>
      <label class="check">
        <input
          type="checkbox"
          checked=${isQuiet}
          onChange=${(/** @type {{target: HTMLInputElement}} */ { target }) =>
            setIsQuiet(target.checked)}
        />
        Hide audio, acks and pings
      </label>
    </div>
    <p class="frames-count soft small">
      ${found.length.toLocaleString("en-US")} of ${log.count.toLocaleString("en-US")} frames${" "}
      ${log.dropped > 0 && `(the oldest ${log.dropped.toLocaleString("en-US")} are dropped)`}
    </p>
    ${log.count === 0 && html`<p class="soft">No frames yet. The frames of a call appear here.</p>`}
    <ol class="frame-list" aria-label="Frames, the newest first" reversed>
      ${shown.map((entry) => html`<${FrameRow} key=${entry.number} entry=${entry} />`)}
    </ol>
  </div>`;
}

/** @param {{entry: FrameEntry}} props */
function FrameRow({ entry }) {
  const { direction, at_ms: atMs, frame, text } = entry;
  const isSent = direction === "sent";
  return html`<li class=${`frame ${direction}`}>
    <details>
      <summary>
        <span class="frame-time">${timeOfDay(atMs)}</span>
        <span class="frame-direction" title=${direction}>
          <span aria-hidden="true">${isSent ? "→" : "←"}</span>
          <span class="visually-hidden">${direction}</span>
        </span>
        <span class="frame-type">${frame.type ?? "fault"}</span>
        <span class="frame-text soft">${text}</span>
      </summary>
      <pre class="frame-json">${JSON.stringify(frame, null, 2)}</pre>
    </details>
  </li>`;
}

/**
 * Returns the local time of day to the ms.
 * @param {number} unixMs
 */
function timeOfDay(unixMs) {
  const at = new Date(unixMs);
  const part = (/** @type {number} */ value, digits = 2) => String(value).padStart(digits, "0");
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map((one) => part(one)).join(":");
  return `${clock}.${part(at.getMilliseconds(), 3)}`;
}
