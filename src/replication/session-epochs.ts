/** Epochs of a fetch session (org.apache.kafka.common.requests.FetchMetadata). */
export const initialSessionEpoch = 0
/** The request closes the session it names, and asks for none. */
export const finalSessionEpoch = -1
export const noSessionId = 0
export const maxSessionEpoch = 2 ** 31 - 1

export function nextSessionEpoch(epoch: number): number {
  if (epoch < 0) return finalSessionEpoch
  return epoch === maxSessionEpoch ? 1 : epoch + 1
}
