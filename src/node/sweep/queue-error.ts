/**
 * Redis, or what comes back from it, failed. The command line prints the message and exits with 1.
 *
 * It carries no cause: errors of a Redis client hold the commands they belong to, and so the password.
 */
export class QueueError extends Error {
  override readonly name = "QueueError";
}
