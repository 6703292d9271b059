import { html, useEffect, useRef, useState } from "../../vendor/preact/standalone.mjs";
import { downloadJson, fileName } from "../download.js";
import { DiagnosticsView } from "./diagnostics_view.js";
import { FramesView } from "./frames_view.js";
import { recording } from "./recording.js";
import { TimelinesView } from "./timelines_view.js";

const REDRAW_MS = 250;
const TABS = [
  { id: "turns", label: "Turns" },
  { id: "frames", label: "Frames" },
  { id: "audio", label: "Audio" },
];

/**
 * The open drawer: the turns, the frames and the audio of the call, and a button that saves them.
 * @param {object} props
 * @param {import("./call_recorder.js").CallRecorder} props.recorder
 * @param {any} props.call the open call of `repartee.js`, or the last one, or null
 * @param {any} props.audio the AudioPort of the call, or null
 */
export function DrawerContent({ recorder, call, audio }) {
  const [tab, setTab] = useState("turns");
  const nowMs = useClock();

  const diagnostics = audio?.diagnostics() ?? null;
  const ids = { sessionId: call?.sessionId ?? null, conversationId: call?.conversationId ?? null };
  const save = () => {
    const content = recording({
      recorder, diagnostics, call: ids, browser: navigator.userAgent, nowMs: Date.now(),
    });
    downloadJson(fileName("call", Date.now()), content);
  };
  return html`<div class="drawer-content">
    <div class="drawer-bar">
      <${Tabs} selected=${tab} onSelect=${setTab} />
      <button
        type="button"
        class="button drawer-save"
        onClick=${save}
        aria-describedby="drawer-save-note"
      >
        Save as JSON
      </button>
    </div>
    <div
      key=${tab}
      id=${`drawer-${tab}`}
      class="drawer-panel"
      role="tabpanel"
      tabindex="0"
      aria-labelledby=${`drawer-tab-${tab}`}
    >
      ${tab === "turns" && html`<${TimelinesView} turns=${recorder.timelines.turns} nowMs=${nowMs} />`}
      ${tab === "frames" && html`<${FramesView} recorder=${recorder} />`}
      ${tab === "audio" && html`<${DiagnosticsView} diagnostics=${diagnostics} call=${ids} />`}
    </div>
    <p id="drawer-save-note" class="soft small">
      The file has transcripts, no audio and no token.
    </p>
  </div>`;
}

/** @param {{selected: string, onSelect: (id: string) => void}} props */
function Tabs({ selected, onSelect }) {
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const onKeyDown = (/** @type {KeyboardEvent} */ { key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (step === undefined) return;
    const at = TABS.findIndex(({ id }) => id === selected);
    const { id } = TABS[(at + step + TABS.length) % TABS.length];
    onSelect(id);
    list.current?.querySelector(/** @type {"button"} */ (`#drawer-tab-${id}`))?.focus();
  };
  return html`<div role="tablist" class="tabs" aria-label="Developer drawer" ref=${list}
    onKeyDown=${onKeyDown}>
    ${TABS.map(
      ({ id, label }) => html`<button
        key=${id}
        id=${`drawer-tab-${id}`}
        type="button"
        role="tab"
        class="tab"
        aria-selected=${String(id === selected)}
        aria-controls=${id === selected ? `drawer-${id}` : undefined}
        tabindex=${id === selected ? "0" : "-1"}
        onClick=${() => onSelect(id)}
      >
        ${label}
      </button>`,
    )}
  </div>`;
}

/**
 * Draws the component again several times a second.
 * @returns {number} the Unix time of the drawing in ms, by the clock of calls
 */
function useClock() {
  const [nowMs, setNowMs] = useState(unixMs);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(unixMs()), REDRAW_MS);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

function unixMs() {
  return performance.timeOrigin + performance.now();
}
