export function* recordTimes(_batch: Buffer): Generator<{ readonly offset: number; readonly timestamp: number }> {
  throw new Error('pending')
}
