import type { GroupTopic } from '../state.ts'

/** MurmurHash3's finishing constants, and two odd seeds: two lanes of 32 bits, of which 53 bits are kept. */
const laneASeed = 0xdeadbeef
const laneBSeed = 0x41c6ce57
const laneAFactor = 0x9e3779b1
const laneBFactor = 0x5f356495
const finishA = 0x85ebca6b
const finishB = 0xc2b2ae35
const lowBits = 0x1f_ffff
const TWO_32 = 2 ** 32

/** A running hash of 53 bits of numbers and texts; not for adversaries. */
class Hash {
  private a = laneASeed
  private b = laneBSeed

  int(value: number): void {
    this.a = Math.imul(this.a ^ value, laneAFactor)
    this.a ^= this.a >>> 15
    this.b = Math.imul(this.b ^ value, laneBFactor)
    this.b ^= this.b >>> 13
  }

  /** With its length in front, so that 'ab','c' is not 'a','bc'. */
  text(text: string): void {
    this.int(text.length)
    for (let at = 0; at < text.length; at++) this.int(text.charCodeAt(at))
  }

  value(): number {
    const a = Math.imul(this.a ^ (this.b >>> 16), finishA)
    const b = Math.imul(this.b ^ (a >>> 13), finishB)
    return (b & lowBits) * TWO_32 + ((a ^ (b >>> 11)) >>> 0)
  }
}

/**
 * One number that changes when one of these topics is made anew, gets partitions, or its replicas move to other racks, and when a topic joins or leaves
 * them (KIP-1101; Utils.computeGroupHash). Non-negative and below 2^53; 0 when there are no topics; the order of the topics does not matter.
 *
 * It is not the number that Kafka computes, nor need it be: a group whose log another coordinator software has written has another hash there, and its
 * group epoch is bumped once when that is noticed.
 */
export function topicsHash(topics: Iterable<GroupTopic>): number {
  const sorted = [...topics].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  if (sorted.length === 0) return 0
  const hash = new Hash()
  for (const topic of sorted) add(hash, topic)
  return hash.value()
}

function add(hash: Hash, topic: GroupTopic): void {
  hash.text(topic.name)
  hash.text(topic.id)
  hash.int(topic.partitionCount)
  for (let partition = 0; partition < topic.partitionCount; partition++) {
    const racks = topic.racks(partition)
    hash.int(racks.length)
    for (const rack of racks) hash.text(rack)
  }
}
