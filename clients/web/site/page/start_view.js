import { VoiceLine } from "./call/voice_line.js";
import { html } from "../vendor/preact/standalone.mjs";
import { useFocusOnAppearing } from "./focus.js";

/**
 * The page before a call: what it is, and the way in.
 * @param {import("./panels/panels.js").PanelProps} props
 */
export function StartView({ state, actions }) {
  // While the page loads there is no button yet, and the focus stays where it is.
  useFocusOnAppearing(() => document.querySelector(".start .button.primary"));
  if (state.boot === "loading") return html`<div class="start" aria-busy="true"></div>`;
  if (state.boot === "failed") return html`<${Unreachable} />`;
  if (state.settings?.sign_in === null) return html`<${NoSignIn} />`;
  const business = state.settings?.business ?? "the agent";
  return html`<section class="start">
    <div class="start-column">
      <${VoiceLine} phase="idle" readLevels=${idleLevels} />
      <h2 class="display">Talk to ${business}.</h2>
      <p class="lead">
        Speak or type, and interrupt whenever you like. You can read what both sides say, and see
        what each answer costs.
      </p>
      ${state.isSignedIn
        ? html`<${Ways} state=${state} actions=${actions} />`
        : html`<${SignIn} state=${state} actions=${actions} />`}
    </div>
  </section>`;
}

/** How long each side of the idle line moves before the other one does. */
const IDLE_PERIOD_S = 9;

/** A slow exchange between the two sides, while nobody talks. */
function idleLevels() {
  const wave = Math.sin((2 * Math.PI * performance.now()) / 1000 / IDLE_PERIOD_S);
  return { input: 0.4 + 0.35 * Math.max(0, wave), output: 0.4 + 0.35 * Math.max(0, -wave) };
}

/** @param {import("./panels/panels.js").PanelProps} props */
function SignIn({ state, actions }) {
  return html`<div class="ways">
      <button type="button" class="button primary big" onClick=${() => actions.signIn()}>
        Sign in
      </button>
      <button
        type="button"
        class="button big plain"
        onClick=${() => actions.signIn({ another: true })}
      >
        Use another account
      </button>
    </div>
    ${state.signInProblem && html`<p class="start-note" role="alert">${state.signInProblem}</p>`}
    <p class="start-note soft">
      Your conversations are remembered for the next call. You can read, export and erase them.
    </p>`;
}

/** @param {import("./panels/panels.js").PanelProps} props */
function Ways({ state, actions }) {
  const { control } = actions;
  if (state.canResume) {
    return html`<div class="ways">
      <button type="button" class="button primary big" onClick=${() => control.resume()}>
        Continue the call
      </button>
      <button type="button" class="button big" onClick=${() => actions.forgetCall()}>
        Leave it
      </button>
    </div>`;
  }
  return html`<div class="ways">
      <button type="button" class="button primary big" onClick=${() => control.start()}>
        Start talking
      </button>
      <button
        type="button"
        class="button big"
        onClick=${() => control.start({ mode: "typed" })}
      >
        Type instead
      </button>
    </div>
    <p class="start-note soft">
      The browser asks for your microphone. Headphones give the best sound.
    </p>`;
}

function Unreachable() {
  return html`<section class="start">
    <div class="start-column">
      <h2 class="display">No connection.</h2>
      <p class="lead">The server does not answer. Check your connection, then try again.</p>
      <div class="ways">
        <button type="button" class="button primary big" onClick=${() => location.reload()}>
          Try again
        </button>
      </div>
    </div>
  </section>`;
}

function NoSignIn() {
  return html`<section class="start">
    <div class="start-column">
      <h2 class="display">No sign-in yet.</h2>
      <p class="lead">This deployment has no sign-in for the page. Tell its operator.</p>
    </div>
  </section>`;
}
