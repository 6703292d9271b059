import { storedTurn } from "./state/turns.js";

const TURNS_OF_A_PAGE = 100;

/**
 * Reads the stored turns of a conversation, page by page. The captions do without turns that cannot
 * be read.
 * @param {import("../repartee.js").HttpApi} api
 * @param {string} conversationId
 * @returns {AsyncGenerator<import("./state/turns.js").Turn[]>}
 */
export async function* storedTurns(api, conversationId) {
  /** @type {string | number | null} */
  let after = null;
  do {
    /** @type {Awaited<ReturnType<typeof api.turns>> | null} */
    const page = await api
      .turns(conversationId, { after, limit: TURNS_OF_A_PAGE })
      .catch(() => null);
    if (page === null) return;
    yield page.items.map(storedTurn);
    after = page.nextAfter;
  } while (after !== null);
}
