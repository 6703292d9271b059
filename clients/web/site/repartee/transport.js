/** Carries a session over one connection after the other. */

import { Connection } from "./connection.js";
import { CallError, HttpProblem } from "./errors.js";
import { Attempts, delaysMs } from "./reconnecting.js";

/** @typedef {import("./line.js").Line} Line */
/** @typedef {import("./protocol/frames.js").Answer} Answer */
/** @typedef {import("./protocol/frames.js").Frame} Frame */
/** @typedef {import("./protocol/session.js").ClientSession} ClientSession */
/** @typedef {import("./reconnecting.js").Ending} Ending */
/** @typedef {import("./timers.js").Timers} Timers */

/**
 * The call, as its transport reports to it. `observe` gets every frame, for diagnosis. `over` is
 * the last report.
 * @typedef {{take(messages: (Frame | Answer)[]): void, lineLost(reason: string): void,
 *   over(ending: Ending): void,
 *   observe(direction: "sent" | "received", text: string): void}} TransportUser
 */

/**
 * How long to wait for `closed` after the server refused a message because the session is over:
 * longer than a post of the server with its retries.
 */
const CLOSED_WITHIN_MS = 5_000;
const OPEN_TIMEOUT_MS = 20_000;
/** How often the first connection is tried while the server fails; together 3 s. */
const FIRST_ATTEMPTS = 5;
/** How often the first connection is tried while its handshakes fail. */
const FIRST_HANDSHAKES = 3;

/** Carries the frames between a session and its server until the session is over. */
export class Transport {
  #openLine;
  #session;
  #user;
  #timers;
  #reconnectForMs;
  /** @type {Connection | null} */
  #connection = null;
  #isOver = false;
  #isRenewing = false;
  #isSessionEnded = false;
  /** @type {Attempts | null} */
  #attempts = null;
  /** @type {AbortController | null} */
  #pausing = null;
  #end = new AbortController();

  /**
   * @param {object} parts
   * @param {(signal: AbortSignal) => Promise<Line>} parts.openLine opens a connection
   * @param {ClientSession} parts.session
   * @param {TransportUser} parts.user
   * @param {Timers} parts.timers
   * @param {number} parts.reconnectForMs how long to try to reconnect
   */
  constructor({ openLine, session, user, timers, reconnectForMs }) {
    this.#openLine = openLine;
    this.#session = session;
    this.#user = user;
    this.#timers = timers;
    this.#reconnectForMs = reconnectForMs;
  }

  /** Opens the first connection. Throws the error of the attempt that was the last one. */
  async open() {
    const delays = delaysMs(this.#timers);
    for (let attempt = 1; ; attempt += 1) {
      try {
        this.#use(await this.#openInTime());
        return;
      } catch (error) {
        if (attempt >= firstAttempts(error)) {
          throw error;
        }
      }
      await this.#timers.wait(delays.next().value, this.#end.signal);
    }
  }

  /** Sends the messages that were added to the session, and those that are due. */
  flush() {
    this.#connection?.flush();
  }

  /**
   * Tries to reconnect at once, or checks the connection: the network may have changed.
   * @param {boolean} isOffline whether the browser says that there is no network
   */
  check(isOffline) {
    this.#pausing?.abort();
    this.#connection?.check(isOffline);
  }

  /** Opens the next connection, while the current one still serves. */
  async renew() {
    const current = this.#connection;
    if (this.#isRenewing || current === null) {
      return;
    }
    this.#isRenewing = true;
    try {
      const line = await this.#openInTime();
      if (this.#connection === current) {
        // The `hello` of the new connection requests the frames that the old one missed.
        current.close();
        this.#use(line);
      } else {
        // The connection broke meanwhile, and another attempt is under way.
        line.close();
      }
    } catch {
      // The current connection still works, and the server repeats its request.
    } finally {
      this.#isRenewing = false;
    }
  }

  /** Sends frames that are due, closes the connection, and reports nothing more. */
  close() {
    this.flush();
    this.#isOver = true;
    this.#end.abort();
    this.#pausing?.abort();
    this.#connection?.close();
    this.#connection = null;
  }

  /** @param {Line} line */
  #use(line) {
    this.#connection = new Connection(line, this.#session, this.#timers, {
      receive: (text) => this.#receive(text),
      sent: (text) => this.#user.observe("sent", text),
      lost: (reason) => this.#lost(reason),
    });
  }

  #openInTime() {
    return this.#timers.within(OPEN_TIMEOUT_MS, this.#end.signal, this.#openLine);
  }

  /** @param {string | null} text */
  #receive(text) {
    if (text === null) {
      this.#fail("bad_server_message", "the server sent a binary frame");
      return;
    }
    this.#user.observe("received", text);
    let messages;
    try {
      messages = this.#session.receive(text, this.#timers.nowMs());
    } catch (error) {
      this.#fail("bad_server_message", String(error));
      return;
    }
    if (this.#session.ready !== null) {
      this.#attempts = null;
    }
    this.#user.take(messages);
    messages.forEach((message) => this.#obey(message));
    if (this.#session.closed !== null) {
      this.#finish(this.#session.closed.reason);
    }
  }

  /** @param {Frame | Answer} message */
  #obey(message) {
    if (message.type === "reconnect_soon") {
      void this.renew();
    } else if (message.type !== "error") {
      return;
    } else if (message.code === "superseded_connection") {
      this.#finish(message.code);
    } else if (message.code === "session_ended") {
      this.#awaitClosed();
    } else if (message === this.#session.refusal) {
      this.#fail("message_refused", `${message.code}: ${message.message}`);
    }
  }

  #awaitClosed() {
    if (!this.#isSessionEnded) {
      // The `closed` frame with the reason may still arrive.
      this.#isSessionEnded = true;
      this.#timers.start(CLOSED_WITHIN_MS, () => this.#finish("session_ended"));
    }
  }

  /** @param {string} reason */
  #lost(reason) {
    this.#connection = null;
    if (this.#isSessionEnded) {
      this.#finish("session_ended");
    } else {
      void this.#comeBack(reason);
    }
  }

  /** @param {string} loss */
  async #comeBack(loss) {
    if (this.#attempts === null) {
      this.#attempts = new Attempts(this.#timers, this.#reconnectForMs, loss);
      this.#user.lineLost(loss);
    }
    const attempts = this.#attempts;
    while (!this.#isOver) {
      const timeout = attempts.timeout(this.#timers.nowMs());
      if (timeout !== null) {
        this.#over(timeout);
        return;
      }
      await this.#pause(attempts.nextDelayMs());
      try {
        this.#use(await this.#openInTime());
        return;
      } catch (error) {
        const ending = attempts.failed(error);
        if (ending !== null) {
          this.#over(ending);
        }
      }
    }
  }

  /** @param {number} delayMs */
  async #pause(delayMs) {
    this.#pausing = new AbortController();
    await this.#timers.wait(delayMs, this.#pausing.signal).catch(() => {});
    this.#pausing = null;
  }

  /**
   * @param {import("./errors.js").CallErrorCode} code
   * @param {string} message
   */
  #fail(code, message) {
    this.#over({ reason: code, error: new CallError(code, message), dailyLimit: null });
  }

  /** @param {string} reason */
  #finish(reason) {
    this.#over({ reason, error: null, dailyLimit: null });
  }

  /** @param {Ending} ending */
  #over(ending) {
    if (!this.#isOver) {
      this.close();
      this.#user.over(ending);
    }
  }
}

/** @param {unknown} error */
function firstAttempts(error) {
  if (error instanceof HttpProblem && error.status >= 500) {
    return FIRST_ATTEMPTS;
  }
  return error instanceof CallError && error.code === "connection_refused" ? FIRST_HANDSHAKES : 1;
}
