const multiplier = 31
const int32Min = -0x8000_0000

/** java.lang.String.hashCode, over UTF-16 code units. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i += 1) hash = (Math.imul(hash, multiplier) + text.charCodeAt(i)) | 0
  return hash
}

/** The partition of a coordinator's topic that a key falls on: Utils.abs(hashCode) % partitions, where the least int32 counts as 0. */
export function partitionOfKey(key: string, partitions: number): number {
  const hash = javaHashCode(key)
  return (hash === int32Min ? 0 : Math.abs(hash)) % partitions
}
