/**
 * The HTTP API on behalf of one user; docs/protocol.md, "HTTP API", describes the answers.
 *
 * All methods return the server's own JSON, with its member names. They throw an `HttpProblem`, the
 * error of the token function, or the reason of `signal`.
 */

import { HttpProblem } from "./errors.js";
import { HttpClient } from "./http_requests.js";

/** @typedef {import("./http_requests.js").Token} Token */

/**
 * @typedef {{session_id: string, conversation_id: string, ticket: string, url: string,
 *   expires_at: string, features?: string[]}} SessionTicket
 * @typedef {{day: string, turns: number, talk_s: number, tokens_in: number, tokens_out: number,
 *   cost_usd: number}} DayUsage
 * @typedef {{kind: string, limit: number, left: number}} LimitLeft
 * @typedef {{today: DayUsage, days: DayUsage[], limits: LimitLeft[], resets_at: string}} Usage
 * @typedef {{conversation_id: string, title: string, turn_count: number, created_at: string,
 *   updated_at: string}} ConversationEntry
 * @typedef {{number: number, session_id: string, started_at: string, ended_at: string,
 *   heard: {text: string, verified: false}, said: {text: string, approximate: boolean},
 *   shortened: boolean, skipped_messages: number,
 *   tool_calls: {name: string, status: string, answer: string}[], first_audio_ms: number | null,
 *   tokens_in: number, tokens_out: number, cost_usd: number}} StoredTurn
 * @typedef {{note_id: string, text: string, noted_at: string}} Note
 * @typedef {{language: string | null, voice: string | null, style: string | null}} Preferences
 * @typedef {{erased_at: string, finished: boolean, deleted: Record<string, number>}} Erasure
 */

/**
 * One page of a list. Pass `nextAfter` as `after` to get the next page; it is null on the last one.
 * @template Item
 * @typedef {{items: Item[], nextAfter: string | number | null}} Page
 */

/** @typedef {{limit?: number, after?: string | number | null, signal?: AbortSignal}} PageRequest */

/**
 * `onProgress` gets the counts after each request of an erasure.
 * @typedef {{onProgress?: (progress: Erasure) => void, signal?: AbortSignal}} ErasureOptions
 */

const ERASE_AGAIN_AFTER_S = 2;

/** The HTTP API on behalf of one user. */
export class HttpApi {
  #client;

  /**
   * @param {string} url the address of the HTTP API, absolute or relative to the page
   * @param {Token} token
   * @param {ConstructorParameters<typeof HttpClient>[2]} [internals] replacements for tests
   */
  constructor(url, token, internals) {
    this.#client = new HttpClient(url, token, internals);
  }

  /**
   * Gets a ticket for one connection to a new or an existing session.
   * @param {object} [options]
   * @param {string} [options.conversation] `"new"` starts one, an id continues that one, and
   *   without it the latest one continues
   * @param {string} [options.session] the session to return to, instead of a new one
   * @param {AbortSignal} [options.signal]
   * @returns {Promise<SessionTicket>}
   */
  createSession({ conversation, session, signal } = {}) {
    const body =
      session === undefined ? { conversation_id: conversation } : { session_id: session };
    return this.#client.request("POST", "/sessions", { body, signal });
  }

  /**
   * @param {object} [options]
   * @param {number} [options.days] 1 to 100
   * @param {AbortSignal} [options.signal]
   * @returns {Promise<Usage>}
   */
  usage({ days = 30, signal } = {}) {
    return this.#client.request("GET", "/me/usage", { query: { days }, signal });
  }

  /**
   * Lists the user's conversations, the newest first.
   * @param {PageRequest} [page]
   * @returns {Promise<Page<ConversationEntry>>}
   */
  conversations(page) {
    return this.#page("/conversations", "conversations", page);
  }

  /**
   * Lists the stored turns of a conversation, the oldest first.
   * @param {string} conversationId
   * @param {PageRequest} [page]
   * @returns {Promise<Page<StoredTurn>>}
   */
  turns(conversationId, page) {
    return this.#page(`/conversations/${encodeURIComponent(conversationId)}/turns`, "turns", page);
  }

  /**
   * Erases one conversation, and returns when nothing of it is left.
   * @param {string} conversationId
   * @param {ErasureOptions} [options]
   */
  deleteConversation(conversationId, options) {
    return this.#erase(`/conversations/${encodeURIComponent(conversationId)}`, options);
  }

  /**
   * Lists the notes that the user asked for, the newest first.
   * @param {PageRequest} [page]
   * @returns {Promise<Page<Note>>}
   */
  notes(page) {
    return this.#page("/me/notes", "notes", page);
  }

  /**
   * @param {string} noteId
   * @returns {Promise<void>}
   */
  async deleteNote(noteId) {
    await this.#client.request("DELETE", `/me/notes/${encodeURIComponent(noteId)}`);
  }

  /** @returns {Promise<Preferences>} null stands for the default of the deployment */
  preferences() {
    return this.#client.request("GET", "/me/preferences");
  }

  /**
   * Changes the given preferences; null restores the default.
   * @param {Partial<Preferences>} changes
   * @returns {Promise<Preferences>}
   */
  setPreferences(changes) {
    return this.#client.request("PUT", "/me/preferences", { body: changes });
  }

  /**
   * Returns all stored data of the user: the pages of the export in one document.
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<Record<string, any>>}
   */
  async exportAll({ signal } = {}) {
    const get = (/** @type {string | null} */ after) =>
      this.#client.request("GET", "/me/export", { query: { after }, signal });
    const { next_after: second, ...document } = await get(null);
    for (let after = second; after !== null; ) {
      const page = await get(after);
      document.tool_records.push(...page.tool_records);
      page.conversations.forEach((/** @type {any} */ conversation) => {
        appendConversation(document.conversations, conversation);
      });
      after = page.next_after;
    }
    return document;
  }

  /**
   * Erases all data of the user, and returns when nothing is left.
   * @param {ErasureOptions} [options]
   */
  erase(options) {
    return this.#erase("/me", options);
  }

  /**
   * @param {string} path
   * @param {string} member
   * @param {PageRequest} [page]
   */
  async #page(path, member, { limit, after, signal } = {}) {
    const answer = await this.#client.request("GET", path, { query: { limit, after }, signal });
    return { items: answer[member], nextAfter: answer.next_after };
  }

  /**
   * @param {string} path
   * @param {ErasureOptions} [options]
   * @returns {Promise<Erasure>}
   */
  async #erase(path, { onProgress, signal } = {}) {
    for (;;) {
      let waitS = ERASE_AGAIN_AFTER_S;
      try {
        const progress = await this.#client.request("DELETE", path, { signal });
        onProgress?.(progress);
        if (progress.finished) {
          return progress;
        }
      } catch (error) {
        if (!(error instanceof HttpProblem && error.code === "erasure_under_way")) {
          throw error;
        }
        waitS = error.retryAfterS ?? waitS;
      }
      await this.#client.wait(waitS * 1_000, signal);
    }
  }
}

/**
 * @param {any[]} conversations
 * @param {any} next
 */
function appendConversation(conversations, next) {
  if (!next.continued) {
    conversations.push(next);
    return;
  }
  const start = conversations[conversations.length - 1];
  start.calls.push(...next.calls);
  start.turns.push(...next.turns);
  start.summary ??= next.summary;
}
