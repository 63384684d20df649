/** Why a command does nothing, in one sentence for the operator. */
export class Refusal extends Error {
  override name = "Refusal";
}
