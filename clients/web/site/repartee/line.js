/** One WebSocket connection. */

import { CallError } from "./errors.js";
import { checkedUrl } from "./http_requests.js";

const NORMAL_CLOSURE = 1000;
/** The `readyState` of a socket that takes messages. */
const OPEN = 1;

/** An open connection. It reports to `onText` and `onEnd`, until it is closed. */
export class Line {
  /**
   * Gets each text frame; null for a binary one, which the protocol does not have.
   * @type {(text: string | null) => void}
   */
  onText = () => {};
  /**
   * Gets the reason when the connection ends before `close`.
   * @type {(reason: string) => void}
   */
  onEnd = () => {};

  #socket;

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.onText(typeof data === "string" ? data : null);
    socket.onclose = ({ code, reason }) =>
      this.#end(`the connection ended: ${code} ${reason}`.trimEnd());
  }

  /** @param {string} text */
  send(text) {
    if (this.#socket.readyState === OPEN) {
      this.#socket.send(text);
    } else {
      // The browser reports the end only after the closing handshake, which may take seconds.
      queueMicrotask(() => this.#end("the connection is closing"));
    }
  }

  /** Sends what is queued, closes the connection, and reports nothing more. */
  close() {
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket.close(NORMAL_CLOSURE);
  }

  /** @param {string} reason */
  #end(reason) {
    if (this.#socket.onclose !== null) {
      this.#socket.onclose = null;
      this.onEnd(reason);
    }
  }
}

/**
 * Opens a connection.
 *
 * Throws a `CallError` with the code `connection_refused`, or the reason of `signal`. A browser
 * does not say why a server refused a handshake, so the next request for a ticket has to find out.
 * @param {string} url the URL of a ticket
 * @param {object} options
 * @param {typeof WebSocket} options.SocketClass the browser's `WebSocket`
 * @param {AbortSignal} options.signal
 * @returns {Promise<Line>}
 */
export function openLine(url, { SocketClass, signal }) {
  const { href, origin, pathname } = checkedUrl(url, "wss:", "ws:");
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const refuse = () => {
      // The browser's own error may contain the ticket.
      const message =
        `no WebSocket connection opens to ${origin}${pathname}: check whether the server allows ` +
        "the origin of this page (AllowedOrigins), and whether a proxy or the page's " +
        "Content-Security-Policy blocks it";
      reject(new CallError("connection_refused", message));
    };
    /** @type {WebSocket} */
    let socket;
    try {
      socket = new SocketClass(href);
    } catch {
      refuse();
      return;
    }
    const stop = () => {
      socket.onopen = socket.onclose = null;
      socket.close();
      reject(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
    socket.onopen = () => {
      signal.removeEventListener("abort", stop);
      resolve(new Line(socket));
    };
    socket.onclose = () => {
      signal.removeEventListener("abort", stop);
      refuse();
    };
  });
}
