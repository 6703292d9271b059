import { html, useEffect, useRef } from "../../vendor/preact/standalone.mjs";
import { Icon } from "../icons.js";

/**
 * The buttons of the call.
 * @param {object} props
 * @param {import("../state/call_state.js").CallState} props.call
 * @param {import("../call_control.js").CallControl} props.control
 */
export function Controls({ call, control }) {
  const isPushToTalk = call.hasMicrophone && call.talkMode === "push-to-talk";
  const isOpen = call.stage === "open";
  useSpaceKey(isPushToTalk && isOpen, control);

  return html`<div class="controls" role="group" aria-label="Controls of the call">
    ${isPushToTalk && html`<${HoldButton} call=${call} control=${control} />`}
    <div class="control-row">
      ${call.hasMicrophone &&
      html`<${Control}
          icon=${call.isMuted ? "muted" : "microphone"}
          label=${call.isMuted ? "Unmute" : "Mute"}
          isOn=${call.isMuted}
          isEnabled=${isOpen}
          onClick=${() => control.setMuted(!call.isMuted)}
        />
        <${Control}
          icon="hold"
          label="Push to talk"
          isPressed=${isPushToTalk}
          isOn=${isPushToTalk}
          isEnabled=${isOpen}
          onClick=${() => control.setTalkMode(isPushToTalk ? "hands-free" : "push-to-talk")}
        />`}
      ${!call.hasMicrophone &&
      html`<${Control}
        icon="microphone"
        label="Talk"
        isEnabled=${isOpen}
        onClick=${() => control.talk()}
      />`}
      <${Control}
        icon="stop"
        label="Stop"
        isEnabled=${isOpen && call.speakingTurn !== null}
        onClick=${() => control.stop()}
      />
      <${Control} icon="hangUp" label="Hang up" kind="end" onClick=${() => control.hangUp()} />
    </div>
  </div>`;
}

/**
 * @param {object} props
 * @param {string} props.icon
 * @param {string} props.label
 * @param {string} [props.kind]
 * @param {boolean} [props.isOn]
 * @param {boolean} [props.isPressed] for a button whose label does not change with its state
 * @param {boolean} [props.isEnabled]
 * @param {() => void} props.onClick
 */
function Control({ icon, label, kind = "", isOn = false, isPressed, isEnabled = true, onClick }) {
  return html`<button
    type="button"
    class=${`control ${kind} ${isOn ? "on" : ""}`}
    aria-pressed=${isPressed === undefined ? undefined : String(isPressed)}
    aria-disabled=${isEnabled ? undefined : "true"}
    onClick=${() => isEnabled && onClick()}
  >
    <${Icon} name=${icon} /><span>${label}</span>
  </button>`;
}

/**
 * @param {object} props
 * @param {import("../state/call_state.js").CallState} props.call
 * @param {import("../call_control.js").CallControl} props.control
 */
function HoldButton({ call, control }) {
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  // The focus would stay on the switch, which Space turns off again.
  useEffect(() => button.current?.focus(), []);
  const press = (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0) return;
    if (event.currentTarget instanceof Element) {
      event.currentTarget.setPointerCapture(event.pointerId);
    }
    control.setPressed(true);
  };
  const release = () => control.setPressed(false);
  const isPressKey = (/** @type {KeyboardEvent} */ { key }) => key === " " || key === "Enter";
  return html`<button
    type="button"
    class=${`button primary hold ${call.isPressed ? "pressed" : ""}`}
    ref=${button}
    onPointerDown=${press}
    onPointerUp=${release}
    onPointerCancel=${release}
    onLostPointerCapture=${release}
    onContextMenu=${(/** @type {Event} */ event) => event.preventDefault()}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
      if (!isPressKey(event)) return;
      event.preventDefault();
      control.setPressed(true);
    }}
    onKeyUp=${(/** @type {KeyboardEvent} */ event) => isPressKey(event) && release()}
    onBlur=${release}
  >
    ${call.isPressed ? "Release to send" : "Hold to talk"}
    <kbd class="key-hint">Space</kbd>
  </button>`;
}

/**
 * Lets the Space key act as the hold button, unless the focus is on something that uses the key.
 * @param {boolean} isActive
 * @param {import("../call_control.js").CallControl} control
 */
function useSpaceKey(isActive, control) {
  useEffect(() => {
    if (!isActive) return;
    const isForButton = (/** @type {KeyboardEvent} */ event) =>
      event.key === " " &&
      !(event.target instanceof Element && event.target.closest(USES_SPACE) !== null);
    const press = (/** @type {KeyboardEvent} */ event) => {
      if (!isForButton(event)) return;
      // Space would scroll the page.
      event.preventDefault();
      if (!event.repeat) control.setPressed(true);
    };
    const release = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === " ") control.setPressed(false);
    };
    const lose = () => control.setPressed(false);
    addEventListener("keydown", press);
    addEventListener("keyup", release);
    addEventListener("blur", lose);
    return () => {
      removeEventListener("keydown", press);
      removeEventListener("keyup", release);
      removeEventListener("blur", lose);
      control.setPressed(false);
    };
  }, [isActive, control]);
}

const USES_SPACE = "input, textarea, select, button, a, summary, [contenteditable]";
