import { html } from "../../vendor/preact/standalone.mjs";

/**
 * The state of the audio and the ids of the call.
 * @param {object} props
 * @param {Record<string, unknown> | null} props.diagnostics null in a typed call
 * @param {{sessionId: string | null, conversationId: string | null}} props.call
 */
export function DiagnosticsView({ diagnostics, call }) {
  const rows = [
    ["Session", call.sessionId ?? "none"],
    ["Conversation", call.conversationId ?? "none"],
    ...Object.entries(diagnostics ?? {}).map(([name, value]) => [labelOf(name), valueText(value)]),
  ];
  return html`${diagnostics === null &&
    html`<p class="soft">Figures of the audio appear here in a call with microphone.</p>`}
    <dl class="diagnostics">
      ${rows.map(
        ([name, value]) => html`<div key=${name}><dt>${name}</dt><dd class="code">${value}</dd></div>`,
      )}
    </dl>`;
}

/**
 * Turns a name such as `inputRateHz` into "Input rate, Hz".
 * @param {string} name
 */
function labelOf(name) {
  const unit = /(Hz|Ms)$/.exec(name)?.[0] ?? "";
  const words = name
    .slice(0, name.length - unit.length)
    .replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
  const label = words.charAt(0).toUpperCase() + words.slice(1);
  return unit ? `${label}, ${unit === "Ms" ? "ms" : unit}` : label;
}

/** @param {unknown} value */
function valueText(value) {
  if (value === null || value === undefined) return "unknown";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return value.toLocaleString("en-US", { maximumFractionDigits: 1 });
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
