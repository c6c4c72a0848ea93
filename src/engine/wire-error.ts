import { RankError } from "../errors.ts";
import { ReleasedError } from "./released.ts";

/** An error as plain data; structured clone would lose its class. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly rank?: number;
  readonly step?: string;
  readonly stack?: string;
}

/** What a thread tells its coordinator of an error; a RankError's message is what its constructor was given as `what`. */
export function toWireError(error: unknown): WireError {
  if (error instanceof RankError) {
    const cause = error.cause instanceof Error ? error.cause : error;
    return {
      name: "RankError",
      message: cause.message,
      rank: error.rank,
      step: error.step,
      stack: cause.stack ?? "",
    };
  }
  if (error instanceof Error) return { name: error.name, message: error.message, stack: error.stack ?? "" };
  return { name: "Error", message: String(error) };
}

/** The error again, of its own class where the coordinator tells it from others. */
export function fromWireError({ name, message, rank, step, stack }: WireError): Error {
  if (name === "ReleasedError") return new ReleasedError(message);
  const cause = new Error(message);
  if (stack !== undefined) cause.stack = stack;
  return name === "RankError" && rank !== undefined && step !== undefined
    ? new RankError(rank, step, message, { cause })
    : cause;
}
