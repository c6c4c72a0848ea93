import { expect, test } from "vitest";
import { expectClose } from "./support/close.ts";

// Oracle: the definition |got − want| <= atol + rtol·|want|, by hand.

test("numbers on the limit are close, beyond it they are not", () => {
  expectClose([5, 9.5], [4, 8], 0.125, 0.5);
  expect(() => expectClose([5, 9.75], [4, 8], 0.125, 0.5)).toThrow();
});

test("an infinity is close to itself alone", () => {
  expectClose([Infinity, -Infinity], [Infinity, -Infinity], 0, 0);
  expect(() => expectClose([Infinity], [-Infinity], 0, 1)).toThrow();
  expect(() => expectClose([1], [Infinity], 1, 0)).toThrow();
});

test("nothing is close to NaN, NaN least of all", () => {
  expect(() => expectClose([Number.NaN], [1], 0, Infinity)).toThrow();
  expect(() => expectClose([Number.NaN], [Number.NaN], 0, 1)).toThrow();
});

test("lists of different length are not close", () => {
  expect(() => expectClose([1, 2], [1], 0, 0)).toThrow("values: got 2 numbers, want 1");
});

test("the message says how many differ, and where and by how much the worst does", () => {
  expect(() => expectClose([1, 2.5, 7, 4], [1, 2, 3, 4], 0, 0.25, "dx")).toThrow(
    "dx: 2 of 4 differ; worst at [2]: got 7, want 3, off by 4.000e+0, allowed 2.500e-1",
  );
});
