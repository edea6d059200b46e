/** The lists of mutants fit the program: each text stands where it says, once, and the tests that must notice are there. */
import { assertEquals, assertThrows } from "../kit/assert.ts";
import { mutate, parseMutants, readMutants, root } from "./mutant.ts";

Deno.test("every mutant can be made, and the tests that must notice it exist", () => {
  const stale: string[] = [];
  for (const mutant of readMutants()) {
    try {
      mutate(Deno.readTextFileSync(`${root}${mutant.file}`), mutant);
      for (const test of mutant.tests) Deno.statSync(`${root}${test}`);
    } catch (error) {
      stale.push(`${mutant.at}: ${(error as Error).message}`);
    }
  }
  assertEquals(stale, []);
});

Deno.test("a list is read strictly", () => {
  const [one, two] = parseMutants("# x\n\na/b.ts «x = 1» → «» : a/b c = it is\nd.ts «<» → «<=» : e", "list");
  assertEquals(one, {
    file: "lib/a/b.ts",
    from: "x = 1",
    to: "",
    tests: ["tests/a/b_test.ts", "tests/c_test.ts"],
    equivalent: "it is",
    at: "list:3",
  });
  assertEquals(mutate("a < b", two), "a <= b");
  assertThrows(() => mutate("a < b < c", two), /stands 2 times/);
  assertThrows(() => mutate("a", two), /stands 0 times/);
  assertThrows(() => parseMutants("a «b» → c : d", "list"), /list:1: not a mutant/);
});
