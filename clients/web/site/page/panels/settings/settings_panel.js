import { html, useEffect, useState } from "../../../vendor/preact/standalone.mjs";
import { DeviceSettings } from "./device_settings.js";
import { SelectField } from "./select_field.js";
import { formatLanguage } from "../../formatting.js";
import { Loading, Problem } from "../parts.js";

/** @typedef {import("../../../repartee/http_api.js").Preferences} Preferences */

const MAX_STYLE_CHARACTERS = 200;
const DEFAULT = { value: "", text: "Default" };

/**
 * The user's settings, which the server keeps, and those of this device.
 * @param {object} props
 * @param {import("../../../repartee/http_api.js").HttpApi} props.api
 * @param {{languages: string[], voices: string[]}} props.settings what the deployment offers
 * @param {import("../../device_choices.js").DeviceChoices} props.choices
 * @param {import("../../../repartee.js").Call | null} props.call the running call
 * @param {boolean} props.isInCall
 * @param {(talkMode: import("../../../repartee/call_audio.js").TalkMode) => void} props.onTalkMode
 * @param {number} props.revision changes when a call may have changed the preferences
 */
export function SettingsPanel({
  api, settings, choices, call, isInCall, onTalkMode, revision,
}) {
  return html`<div class="panel">
    <section aria-labelledby="agent-settings">
      <h3 id="agent-settings">The agent</h3>
      <${AgentSettings} api=${api} settings=${settings} isInCall=${isInCall} revision=${revision} />
    </section>
    <section aria-labelledby="device-settings">
      <h3 id="device-settings">This device</h3>
      <${DeviceSettings} choices=${choices} call=${call} onTalkMode=${onTalkMode} />
    </section>
  </div>`;
}

/**
 * @param {object} props
 * @param {import("../../../repartee/http_api.js").HttpApi} props.api
 * @param {{languages: string[], voices: string[]}} props.settings
 * @param {boolean} props.isInCall
 * @param {number} props.revision
 */
function AgentSettings({ api, settings, isInCall, revision }) {
  const [stored, setStored] = useState(/** @type {Preferences | null} */ (null));
  const [style, setStyle] = useState("");
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [retry, setRetry] = useState(() => () => {});
  const [saved, setSaved] = useState("");

  const show = (/** @type {Preferences} */ answer) => {
    // A text that the user is editing stays.
    setStyle((typed) => (typed === (stored?.style ?? "") ? answer.style ?? "" : typed));
    setStored(answer);
  };
  const attempt = async (/** @type {() => Promise<void>} */ request) => {
    setError(null);
    setSaved("");
    try {
      await request();
    } catch (problem) {
      setRetry(() => () => attempt(request));
      setError(problem);
    }
  };
  useEffect(() => {
    void attempt(async () => show(await api.preferences()));
  }, [api]);
  useEffect(() => {
    if (stored !== null) api.preferences().then(show, () => {});
  }, [revision]);

  const change = (/** @type {Partial<Preferences>} */ changes) =>
    attempt(async () => {
      show(await api.setPreferences(changes));
      setSaved(
        isInCall ? "Saved. The running call changes at its next pause." : "Saved for the next call.",
      );
    });
  const problem = error !== null && html`<${Problem} error=${error} onRetry=${retry} />`;
  if (stored === null) return problem || html`<${Loading} />`;
  const isStyleChanged = style.trim() !== (stored.style ?? "");
  return html`<div class="settings">
    <${SelectField}
      id="language"
      label="Language"
      value=${stored.language ?? ""}
      options=${[
        DEFAULT, ...settings.languages.map((tag) => ({ value: tag, text: formatLanguage(tag) })),
      ]}
      onChange=${(/** @type {string} */ language) => change({ language: language || null })}
    />
    <${SelectField}
      id="voice"
      label="Voice"
      value=${stored.voice ?? ""}
      options=${[DEFAULT, ...settings.voices.map((name) => ({ value: name, text: name }))]}
      onChange=${(/** @type {string} */ voice) => change({ voice: voice || null })}
    />
    <form
      class="field"
      onSubmit=${(/** @type {Event} */ event) => {
        event.preventDefault();
        void change({ style: style.trim() || null });
      }}
    >
      <label for="style">Manner of speaking</label>
      <div class="field-row">
        <input
          id="style"
          class="input"
          maxlength=${MAX_STYLE_CHARACTERS}
          placeholder="such as: slowly and formally"
          value=${style}
          onInput=${(/** @type {{target: HTMLInputElement}} */ { target }) => setStyle(target.value)}
        />
        <button type="submit" class="button" disabled=${!isStyleChanged}>Save</button>
      </div>
    </form>
    ${problem}
    <p class="panel-note small" role="status">${saved}</p>
  </div>`;
}
