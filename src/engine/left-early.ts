/** A rank's program ends here, by a fault of its scenario: it returns without joining the collectives of the pass. */
export class LeftEarly extends Error {
  override readonly name = "LeftEarly";
}
