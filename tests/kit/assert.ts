/** What the tests assert with: the runtime's own, so that tests need no package of their own. */
export {
  deepStrictEqual as assertEquals,
  ok as assert,
  rejects as assertRejects,
  throws as assertThrows,
} from "node:assert";
