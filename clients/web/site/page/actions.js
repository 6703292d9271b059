/** What the user can do on the page; components call these methods and change nothing else. */

export class Actions {
  #store;
  #signIn;

  /**
   * @param {object} parts
   * @param {import("./state/store.js").Store<any, any>} parts.store
   * @param {import("./call_control.js").CallControl} parts.control
   * @param {any} parts.api an `HttpApi` of `repartee.js`
   * @param {() => import("./sign_in.js").SignIn | null} parts.signIn
   * @param {import("./device_choices.js").DeviceChoices} parts.choices
   */
  constructor({ store, control, api, signIn, choices }) {
    this.#store = store;
    this.#signIn = signIn;
    this.control = control;
    /** The HTTP API as the signed-in user. */
    this.api = api;
    /** Microphone, speaker and the like, for the calls on this device. */
    this.choices = choices;
  }

  /** The open call, or the last one; null before the first. An `EventTarget` of `repartee.js`. */
  get call() {
    return this.control.call;
  }

  /** The microphone and speaker of the open call (an `AudioPort`); null in a typed call. */
  get audio() {
    return this.control.audio;
  }

  /**
   * Opens the menu of the side sheet, a panel in it, or closes it.
   * @param {string | null} sheet `menu`, the id of a panel, or null
   */
  openSheet(sheet) {
    this.#store.dispatch({ type: "sheet", sheet });
  }

  /** @param {boolean} isOpen */
  openDrawer(isOpen) {
    this.#store.dispatch({ type: "drawer", isOpen });
  }

  /**
   * Opens a call in a conversation; a running call ends. Call it inside a click.
   * @param {string} conversation an id, or `new`
   */
  async continueConversation(conversation) {
    const { mode } = this.#store.state.call;
    // Waiting for the end of the old call would leave the click, and iOS would play no sound.
    void this.control.hangUp();
    this.openSheet(null);
    await this.control.start({ mode, conversation });
  }

  /** Reads again what is left of today's limits. */
  async refreshUsage() {
    const usage = await this.api.usage().catch(() => null);
    if (usage !== null) this.#store.dispatch({ type: "usage", usage });
  }

  /** Goes back to the start view after a call. */
  leaveCall() {
    this.#store.dispatch({ type: "left" });
  }

  /** Gives up the call that a reload of the page left behind. */
  forgetCall() {
    this.control.forget();
    this.#store.dispatch({ type: "can-resume", canResume: false });
  }

  /**
   * Leaves the page for the issuer's sign-in page.
   * @param {{another?: boolean}} [options] `another` asks for a user, although one is signed in at
   *   the issuer
   */
  async signIn(options) {
    try {
      await this.#signIn()?.begin(options);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      this.#store.dispatch({ type: "signed-in", isSignedIn: false, problem });
    }
  }

  /** Ends the call and forgets the user's tokens. */
  async signOut() {
    const isHungUp = this.control.hangUp();
    this.openSheet(null);
    this.leaveCall();
    this.#store.dispatch({ type: "usage", usage: null });
    this.#store.dispatch({ type: "signed-in", isSignedIn: false });
    // The issuer's sign-out page would cut the connection.
    await isHungUp;
    this.#signIn()?.signOut();
  }
}
