import type { Offset } from '../../base/units.ts'
import type { LogConfig } from '../log-config.ts'
import { relativeOffsetMax, type Segment } from '../segments/segment.ts'
import { offsetIndexEntryBytes } from '../segments/offset-index.ts'
import { timeIndexEntryBytes } from '../segments/time-index.ts'

/**
 * Segments that become one: neighbours, as many as fit together in segment.bytes, segment.index.bytes and the range of an index's offsets
 * (Cleaner.groupSegmentsBySize). `end`: the offset behind the last of them.
 */
export function groupSegments(segments: readonly Segment[], end: Offset, config: LogConfig): readonly (readonly Segment[])[] {
  const groups: Segment[][] = []
  let sizes = { log: 0, index: 0, timeIndex: 0 }
  for (const [i, segment] of segments.entries()) {
    const group = groups.at(-1)
    const first = group?.[0]
    const joined = {
      log: sizes.log + segment.size,
      index: sizes.index + segment.index.file.entries * offsetIndexEntryBytes,
      timeIndex: sizes.timeIndex + segment.timeIndex.file.entries * timeIndexEntryBytes,
    }
    const lastOffset = (segments[i + 1]?.baseOffset ?? end) - 1
    const fits =
      joined.log <= config.segmentBytes && joined.index <= config.segmentIndexBytes && joined.timeIndex <= config.segmentIndexBytes
    const inRange = first !== undefined && (segment.size === 0 || lastOffset - first.baseOffset <= relativeOffsetMax)
    if (group !== undefined && fits && inRange) {
      group.push(segment)
      sizes = joined
      continue
    }
    groups.push([segment])
    sizes = {
      log: segment.size,
      index: segment.index.file.entries * offsetIndexEntryBytes,
      timeIndex: segment.timeIndex.file.entries * timeIndexEntryBytes,
    }
  }
  return groups
}
