import { html, useEffect, useState } from "../../../vendor/preact/standalone.mjs";
import { canSelectOutput, listDevices } from "../../../repartee/audio/devices.js";
import { SelectField } from "./select_field.js";

/** @typedef {import("../../../repartee/audio/devices.js").Device} Device */

/**
 * Microphone, speaker and how calls listen; they stay on this device.
 * @param {object} props
 * @param {import("../../device_choices.js").DeviceChoices} props.choices
 * @param {import("../../../repartee.js").Call | null} props.call the running call
 * @param {(talkMode: import("../../../repartee/call_audio.js").TalkMode) => void} props.onTalkMode
 */
export function DeviceSettings({ choices, call, onTalkMode }) {
  const [current, setCurrent] = useState(choices.current);
  const devices = useDevices(call);
  const change = (/** @type {Partial<import("../../device_choices.js").Choices>} */ changes) => {
    choices.change(changes);
    setCurrent(choices.current);
  };
  return html`<div class="settings">
    <${SelectField}
      id="microphone"
      label="Microphone"
      value=${current.inputDevice}
      options=${deviceOptions("Microphone", devices.inputs, current.inputDevice)}
      onChange=${(/** @type {string} */ inputDevice) => {
        change({ inputDevice });
        void call?.setInputDevice(inputDevice);
      }}
    />
    ${canSelectOutput()
      ? html`<${SelectField}
          id="speaker"
          label="Speaker"
          value=${current.outputDevice}
          options=${deviceOptions("Speaker", devices.outputs, current.outputDevice)}
          onChange=${(/** @type {string} */ outputDevice) => {
            change({ outputDevice });
            void call?.setOutputDevice(outputDevice);
          }}
        />`
      : html`<p class="soft small">This browser plays on the speaker that the system selects.</p>`}
    ${devices.inputs.length === 0 &&
    html`<p class="soft small">The devices are listed once you have allowed the microphone in a call.</p>`}
    <${Switch}
      id="push-to-talk"
      label="Start calls with push-to-talk"
      detail="The microphone is open only while you hold the button."
      isOn=${current.talkMode === "push-to-talk"}
      onChange=${(/** @type {boolean} */ isOn) => {
        const talkMode = isOn ? "push-to-talk" : "hands-free";
        change({ talkMode });
        onTalkMode(talkMode);
      }}
    />
    <${Switch}
      id="detector"
      label="Send only speech"
      detail="A detector on this device finds your speech. Without it, all sound is sent, which costs more."
      isOn=${current.detector}
      onChange=${(/** @type {boolean} */ detector) => {
        change({ detector });
        void call?.setDetector(detector);
      }}
    />
    <${Switch}
      id="half-duplex"
      label="I use loudspeakers and hear echo"
      detail="The microphone waits while a reply plays. To interrupt the reply, use Stop."
      isOn=${current.halfDuplex}
      onChange=${(/** @type {boolean} */ halfDuplex) => {
        change({ halfDuplex });
        call?.setHalfDuplex(halfDuplex);
      }}
    />
  </div>`;
}

/**
 * Returns the options for a kind of device, named by their labels or numbered.
 * @param {string} kind
 * @param {Device[]} devices
 * @param {string} chosenId "" for the default
 */
function deviceOptions(kind, devices, chosenId) {
  const isMissing = chosenId !== "" && !devices.some(({ id }) => id === chosenId);
  return [
    { value: "", text: "As the system selects" },
    ...(isMissing ? [{ value: chosenId, text: "The chosen device is not connected" }] : []),
    // Browsers list the system's device as a separate one.
    ...devices
      .filter(({ id }) => id !== "default")
      .map(({ id, label }, at) => ({ value: id, text: label || `${kind} ${at + 1}` })),
  ];
}

/**
 * @param {object} props
 * @param {string} props.id
 * @param {string} props.label
 * @param {string} props.detail
 * @param {boolean} props.isOn
 * @param {(isOn: boolean) => void} props.onChange
 */
function Switch({ id, label, detail, isOn, onChange }) {
  return html`<div class="switch">
    <input
      id=${id}
      type="checkbox"
      role="switch"
      checked=${isOn}
      aria-describedby=${`${id}-detail`}
      onChange=${(/** @type {{target: HTMLInputElement}} */ { target }) => onChange(target.checked)}
    />
    <label for=${id}>${label}</label>
    <p id=${`${id}-detail`} class="soft small">${detail}</p>
  </div>`;
}

/**
 * Lists the devices, and again when one is plugged in or a call has opened the microphone.
 * @param {object | null} call
 * @returns {import("../../../repartee/audio/devices.js").Devices}
 */
function useDevices(call) {
  const [devices, setDevices] = useState({
    inputs: /** @type {Device[]} */ ([]), outputs: /** @type {Device[]} */ ([]),
  });
  useEffect(() => {
    let isMounted = true;
    const list = async () => {
      const found = await listDevices().catch(() => null);
      if (isMounted && found !== null) setDevices(found);
    };
    void list();
    const { mediaDevices } = navigator;
    mediaDevices?.addEventListener("devicechange", list);
    return () => {
      isMounted = false;
      mediaDevices?.removeEventListener("devicechange", list);
    };
  }, [call]);
  return devices;
}
