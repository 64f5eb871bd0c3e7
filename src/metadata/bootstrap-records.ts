import { encodeRecord } from './record-frame.ts'
import { initialLevels } from './supported-features.ts'

/** What the log of a new cluster begins with, for `bootstrap.checkpoint`: the levels of its features. */
export function bootstrapRecords(metadataVersion: number): readonly Buffer[] {
  return initialLevels(metadataVersion).map((message) => encodeRecord({ type: 'featureLevel', version: 0, message }))
}
