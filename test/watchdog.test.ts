import { expect, test } from "vitest";
import { threadWords } from "../src/engine/control.ts";
import { stallWatch } from "../src/engine/watchdog.ts";
import { inProcessFabric } from "./support/in-process-fabric.ts";

// Oracle: by hand, on a clock of the test.

const setups = [0, 1, 2].map((thread) => ({ thread })) as never;

test("the rank of the only thread at work is the one that the others wait for, and is not failed for it", () => {
  const { control } = inProcessFabric(3, 0, 3);
  const waiting = (thread: number, is: boolean): void => {
    control.words[control.threadWord(thread, threadWords.isWaiting)] = is ? 1 : 0;
    control.words[control.threadWord(thread, threadWords.currentRank)] = thread;
  };
  const state = { starting: -1, idle: -1, now: 0 };
  const failed: number[] = [];
  const look = stallWatch(control, setups, 10, {
    isStarting: (thread) => thread === state.starting,
    isBusy: (thread) => thread !== state.idle && thread !== state.starting,
    fail: (thread) => failed.push(thread),
    now: () => state.now,
  });
  const looks = (): number[] => [0, 1, 2].map((rank) => control.calls.awaitedLooksOf(rank));
  for (const thread of [0, 1, 2]) waiting(thread, thread !== 1);
  look(); // rank 1 computes, two threads wait
  expect(looks()).toEqual([0, 2, 0]);
  waiting(0, false);
  look(); // two compute: nobody is waited for alone
  expect(looks()).toEqual([0, 2, 0]);
  for (const thread of [0, 1, 2]) waiting(thread, true);
  look(); // all wait
  state.starting = 2;
  look(); // one has yet to start
  expect(looks()).toEqual([0, 2, 2]);
  state.starting = -1;
  waiting(1, false);
  state.idle = 0;
  look(); // one has nothing to do, one waits
  expect(looks()).toEqual([0, 4, 2]);
  expect(failed).toEqual([]);
});
