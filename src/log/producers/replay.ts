import type { Offset } from '../../base/units.ts'
import { producerAppendOf } from './end-marker.ts'
import type { ProducerState } from './producer-state.ts'
import type { Scan } from '../segments/scan.ts'
import { replayWindowBytes, scanBatches } from '../segments/scan.ts'
import type { Segment } from '../segments/segment.ts'

export interface ReplayStep {
  readonly segment: Segment
  readonly scan: Scan
}

/** Folds the batches of [from, to) into the producers, one scan for each segment, in order; whoever iterates carries the scans out. */
export function* replayProducers(segments: readonly Segment[], from: Offset, to: Offset, producers: ProducerState): Generator<ReplayStep> {
  for (const [i, segment] of segments.entries()) {
    const next = segments[i + 1]?.baseOffset ?? Infinity
    if (next <= from || segment.baseOffset >= to || segment.size === 0) continue
    const start = segment.baseOffset >= from ? 0 : segment.positionOf(from)
    yield { segment, scan: replaySegment(segment, start, to, producers) }
  }
}

function replaySegment(segment: Segment, start: number, to: Offset, producers: ProducerState): Scan {
  return scanBatches({ from: start, until: segment.size, checkCrc: false, windowBytes: replayWindowBytes }, (header, _position, batch) => {
    if (header.baseOffset >= to) return 'stop'
    const append = producerAppendOf(header, header.isControl ? batch : null)
    if (append !== null) producers.apply(append)
    return 'continue'
  })
}
