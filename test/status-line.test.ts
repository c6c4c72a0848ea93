import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { StatusLine } from "../src/node/status-line.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

/** What is written of a line of 20 letters, after two seconds of work. */
function written(stream: object): string {
  const sink = Object.assign(new PassThrough(), stream);
  const line = new StatusLine(sink as unknown as NodeJS.WriteStream, { onTerminal: 0, elsewhere: 0 });
  line.show(() => "too early");
  vi.advanceTimersByTime(2000);
  line.show(() => "a".repeat(20));
  return String(sink.read());
}

test("a terminal's last column stays free, so that the line can be rewritten; a file gets all of it", () => {
  // By hand: a terminal of 12 columns breaks a line of 12.
  expect(written({ isTTY: true, columns: 12 })).toBe(`\r\x1b[K${"a".repeat(11)}`);
  expect(written({})).toBe(`${"a".repeat(20)}\n`);
});
