import fc from "fast-check";
import { expect, test } from "vitest";
import { base, faultsOf, written } from "./support/scenario-text.ts";

// Oracle: by hand, counting lines and columns from 1.
const rows: [title: string, text: string, fault: string | RegExp][] = [
  ["an empty file", "", "1:1: expected a map, got nothing (null)"],
  ["a file of comments", "# nothing yet\n", "1:1: expected a map, got nothing (null)"],
  ["a file that is a text", "hello", '1:1: expected a map, got "hello"'],
  ["a file that is a list", "[1]", "1:1: expected a map, got a list of 1"],
  [
    "a __proto__ key",
    `__proto__: { name: x }\n${base.join("\n")}`,
    /^1:1: __proto__: unknown key "__proto__"; /,
  ],
  [
    "a key with a line break",
    `"a\\nb": 1\n${base.join("\n")}`,
    /^1:1: \["a\\nb"\]: unknown key "a\\nb"; known here: /,
  ],
  [
    "a constructor of data",
    written({ 4: "  source: constructor" }),
    /^4:11: data.source: .*got "constructor"$/,
  ],
  ["tabs", "name: x\nmesh:\n\tdata: 2", "3:1: Tabs are not allowed as indentation"],
  ["two documents", `${base.join("\n")}\n---\nname: x`, "10:1: expected one document, got a second one"],
  ["a tag", written({ 10: "seed: !!set { a }" }), "10:7: expected a value without this tag"],
  ["a directive with a terminal escape", "%a\u001b[2J\n---\nname: x", "1:1: Unknown directive %a [2J"],
  ["a list as a key", "? [a]\n: 1", "1:3: expected text as the key of a map"],
  [
    "an alias of nothing",
    written({ 10: "seed: *s" }),
    '10:7: seed: alias "*s" has no complete anchor before it',
  ],
  [
    "an alias of what holds it",
    "data: &d { source: *d }",
    '1:20: data.source: alias "*d" has no complete anchor before it',
  ],
  ["wrong JSON", '{ "name": "x", "mesh": { "data": 2 }', "1:37: Flow map must end with a }"],
];

for (const [title, text, fault] of rows) {
  test(`${title} is one fault with its place`, () => {
    expect(faultsOf(text)).toEqual([typeof fault === "string" ? fault : expect.stringMatching(fault)]);
  });
}

// Oracle: an invariant. None of these may end the process, hang, or raise anything but a ScenarioError.
// Unguarded, nesting like this ends the process: Node 20 runs out of stack inside a regular expression.
const deep = 100_000;
const hostile: [title: string, text: string, fault: RegExp][] = [
  ["nested lists", "[".repeat(deep), /^1:51: expected at most 50 levels of nesting$/],
  ["nested maps", "{a: ".repeat(deep / 2), /levels of nesting$/],
  ["nested blocks", "- ".repeat(deep), /levels of nesting$/],
  [
    "a file too long",
    `name: ${"x".repeat(300_000)}`,
    /^1:1: expected at most 262144 characters, got 300006$/,
  ],
  ["too many keys", Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join("\n"), /at most 1000 keys/],
  [
    "aliases that multiply",
    [..."bcdefghi"].reduce(
      (text, name, i) => `${text}\n${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[i]}`).join()}]`,
      "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]",
    ),
    /^\d+:\d+: .*: expected at most 100000 values, aliases in full$/,
  ],
];

for (const [title, text, message] of hostile) {
  test(`a hostile file with ${title} is a fault`, () => {
    expect(faultsOf(text)[0]).toMatch(message);
  });
}

test("a scenario with any one character changed parses or raises a ScenarioError with places", () => {
  const text = base.join("\n");
  const character = fc.constantFrom(..."[]{}:,-*&!|>'\"%@`#?\t\n 0aé\u0000\ud83d");
  fc.assert(
    fc.property(fc.nat(text.length - 1), character, fc.boolean(), (index, changed, isInserted) => {
      const mutant = text.slice(0, index) + changed + text.slice(isInserted ? index : index + 1);
      for (const fault of faultsOf(mutant)) expect(fault).toMatch(/^[1-9]\d*:[1-9]\d*: .*$/);
    }),
    { numRuns: 300 },
  );
});
