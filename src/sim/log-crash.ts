import assert from 'node:assert/strict'
import { DiskError } from '../base/ports.ts'
import { Prng } from '../base/prng.ts'
import type { Offset } from '../base/units.ts'
import { batchHeaders } from '../protocol/records/batch-header.ts'
import { LogWorld, makeBatch, readAll } from './log-world.ts'
import { type AppendOutcome, CorruptLogError } from '../log/outcomes.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { producerAppendOf } from '../log/producers/end-marker.ts'
import { ProducerState } from '../log/producers/producer-state.ts'

interface ModelBatch {
  readonly base: Offset
  readonly end: Offset
  readonly epoch: number
  readonly bytes: Buffer
}

/** What the log was told, in all the versions that truncations made since everything was last durable. */
class Model {
  batches: readonly ModelBatch[] = []
  versions: (readonly ModelBatch[])[] = [[]]
  durable = 0
  epoch = 1
  readonly sequences = new Map<number, number>()

  get end(): Offset {
    return this.batches.at(-1)?.end ?? 0
  }

  add(batch: ModelBatch): void {
    this.batches = [...this.batches, batch]
    this.versions[this.versions.length - 1] = this.batches
  }

  truncate(offset: Offset): void {
    if (offset >= this.end) return
    this.batches = this.batches.filter((batch) => batch.end <= offset)
    this.versions.push(this.batches)
    this.durable = Math.min(this.durable, this.end)
    this.epoch += 1
    this.sequences.clear()
  }

  /** A power cut has left this much of one of the versions, and all that is left is durable. */
  recovered(end: Offset, content: Buffer): void {
    const version = this.versions.find((it) => isPrefix(content, it)) ?? []
    this.batches = version.filter((batch) => batch.end <= end)
    this.flushed()
    this.epoch += 1
    this.sequences.clear()
  }

  flushed(): void {
    this.durable = this.end
    this.versions = [this.batches]
  }
}

const sequenceMax = 0x7fff_ffff

async function work(world: LogWorld, log: PartitionLog, model: Model, prng: Prng): Promise<void> {
  switch (prng.below(12)) {
    case 0:
      model.truncate(prng.between(Math.max(0, model.end - 60), model.end + 3))
      log.truncateTo(model.end)
      if (prng.chance(0.3)) checkFolds(log, await readAll(log))
      return
    case 1:
      if (prng.chance(0.05)) await failingFlush(world, log)
      await log.flush()
      world.recoveryPoint = log.recoveryPoint
      return model.flushed()
    case 2:
      await log.flushRolled()
      if (prng.chance(0.5)) world.recoveryPoint = log.recoveryPoint
      model.durable = Math.max(model.durable, log.flushedOffset)
      return
    case 3:
      return log.saveEpochs()
    case 4:
      return appendRot(log, model, prng)
    default:
      return append(log, model, prng)
  }
}

/** Whoever has seen one sync fail believes none that comes after it: what could not be written may be gone from the page cache. */
async function failingFlush({ disk }: LogWorld, log: PartitionLog): Promise<void> {
  const { fault } = disk
  disk.fault = (action) => (action === 'sync' ? 'EIO' : null)
  const failure: unknown = await log.flush().then(
    () => null,
    (error: unknown) => error,
  )
  disk.fault = fault
  if (!(failure instanceof Error)) return
  await assert.rejects(log.flush(), DiskError, 'S-6: a flush succeeds after one has failed')
  throw failure
}

/** What comes from a leader with a bit that is wrong goes nowhere. */
function appendRot(log: PartitionLog, model: Model, prng: Prng): void {
  const bytes = makeBatch({ baseOffset: log.logEndOffset, leaderEpoch: model.epoch, records: 2, valueBytes: 30 })
  const at = prng.between(23, bytes.length - 1)
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << prng.below(8)), at)
  const outcome = log.appendAsFollower(bytes, model.epoch)
  assert.equal(outcome.kind, 'refused', 'S-4: a batch with a wrong bit is appended')
}

function append(log: PartitionLog, model: Model, prng: Prng): void {
  if (prng.chance(0.05)) model.epoch += 1
  const records = prng.between(1, 5)
  const producerId = prng.chance(0.6) ? prng.between(1, 3) + 10 * model.epoch : undefined
  const baseSequence = producerId === undefined ? -1 : (model.sequences.get(producerId) ?? prng.pick([0, 0, sequenceMax - 3]))
  const spec = { records, valueBytes: prng.pick([10, 10, 10, 200, 350]), fill: prng.below(256), timestamp: 1_000_000 + prng.below(5000) }
  const bytes = makeBatch({ ...spec, ...(producerId === undefined ? {} : { producerId, baseSequence }) })
  const outcome = appendOrDie(log, model, bytes, records)
  assert.equal(outcome.kind, 'appended', `REP-12: ${JSON.stringify(outcome)}`)
  if (producerId !== undefined) model.sequences.set(producerId, (baseSequence + records) % (sequenceMax + 1))
  model.add({ base: log.logEndOffset - records, end: log.logEndOffset, epoch: model.epoch, bytes: Buffer.from(bytes) })
}

/** What dies within an append has written it, or has not. */
function appendOrDie(log: PartitionLog, model: Model, bytes: Buffer, records: number): AppendOutcome {
  const base = log.logEndOffset
  try {
    return log.appendAsLeader(bytes, model.epoch, 0)
  } catch (error) {
    model.versions.push([...model.batches, { base, end: base + records, epoch: model.epoch, bytes: Buffer.from(bytes) }])
    throw error
  }
}

async function workUntilCrash(world: LogWorld, log: PartitionLog, model: Model, prng: Prng): Promise<void> {
  world.disk.crashAfter(world.disk.changes + prng.between(1, 250))
  try {
    for (let i = 0; i < 250; i++) await work(world, log, model, prng)
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    return
  }
}

/** Opens, maybe dying on the way a few times. */
async function recover(world: LogWorld, prng: Prng, powerCut: boolean): Promise<PartitionLog> {
  for (let tries = 0; ; tries++) {
    if (powerCut) world.disk.crash(prng)
    else world.disk.kill()
    if (tries < 3) world.disk.crashAfter(world.disk.changes + prng.between(1, 30))
    try {
      const log = await world.open()
      world.disk.crashAfter(Infinity)
      return log
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
    }
  }
}

async function check(log: PartitionLog, model: Model, powerCut: boolean): Promise<void> {
  const content = await readAll(log)
  if (!powerCut) assert.ok(model.versions.some((version) => isPrefix(content, version) && version.length > 0) || content.length === 0)
  assert.ok(
    model.versions.some((version) => isPrefix(content, version)),
    `S-1: the log (end ${log.logEndOffset}) is a prefix of none of ${model.versions.length} versions`,
  )
  assert.ok(log.logEndOffset >= model.durable, `S-1: ends at ${log.logEndOffset}, durable was ${model.durable}`)
  checkFolds(log, content)
  await checkLookups(log, content)
}

function isPrefix(content: Buffer, version: readonly ModelBatch[]): boolean {
  const whole = Buffer.concat(version.map((batch) => batch.bytes))
  return content.length <= whole.length && content.equals(whole.subarray(0, content.length))
}

function checkFolds(log: PartitionLog, content: Buffer): void {
  const producers = new ProducerState(86_400_000)
  const epochs: { epoch: number; startOffset: Offset }[] = []
  for (const { at, header } of batchHeaders(content)) {
    const appended = producerAppendOf(header, content.subarray(at, at + header.sizeBytes))
    if (appended !== null) producers.apply(appended)
    if (epochs.at(-1)?.epoch !== header.leaderEpoch) epochs.push({ epoch: header.leaderEpoch, startOffset: header.baseOffset })
  }
  const byId = (list: ReturnType<PartitionLog['describeProducers']>): unknown => [...list].sort((a, b) => a.producerId - b.producerId)
  assert.deepEqual(byId(log.describeProducers()), byId(producers.describe()), 'REP-12: producers are the fold of the log')
  assert.deepEqual(log.describe()['epochs'], epochs, 'REP-5: the epochs are those of the log')
}

async function checkLookups(log: PartitionLog, content: Buffer): Promise<void> {
  for (const { at, header } of batchHeaders(content)) {
    const outcome = await log.read(header.lastOffset, 1, log.logEndOffset, true)
    assert.ok(outcome.kind === 'read')
    assert.deepEqual(Buffer.concat(outcome.records), content.subarray(at, at + header.sizeBytes))
    const found = await log.offsetForTimestamp(header.maxTimestamp)
    const first = [...batchHeaders(content)].find((other) => other.header.maxTimestamp >= header.maxTimestamp)
    assert.ok(found !== null && first !== undefined && found.offset <= first.header.lastOffset && found.offset >= first.header.baseOffset)
    if (at > 3000) break
  }
}

/**
 * A log that is worked on until its disk or its process dies, at any change of the disk, perhaps again while it recovers: what is then read is a prefix of
 * what was appended and holds what was durable. @throws when it does not
 */
export async function simulateLogCrash(seed: number): Promise<void> {
  const prng = new Prng(seed)
  const world = new LogWorld({ segmentBytes: prng.pick([2000, 6000, 100_000]), indexIntervalBytes: 300 }).withoutTail()
  const model = new Model()
  let log = await world.open()
  let powerCut = true
  for (let lives = prng.between(1, 3); lives > 0 && powerCut; lives--) {
    await workUntilCrash(world, log, model, prng)
    powerCut = prng.chance(0.6)
    log = await recover(world, prng, powerCut)
    await check(log, model, powerCut)
    if (powerCut) model.recovered(log.logEndOffset, await readAll(log))
  }
  const described = log.describe()
  world.disk.kill()
  for (const name of world.disk.list('logs/t-0')) if (/index$|snapshot$|checkpoint$/.test(name)) world.disk.remove(`logs/t-0/${name}`)
  const again = await world.open()
  assert.deepEqual({ ...again.describe(), flushed: 0 }, { ...described, flushed: 0 }, 'S-3: indexes and snapshots were a short cut only')
  again.appendAsLeader(makeBatch(), again.latestEpoch + 1, 0)
  await again.close()
  const clean = await world.open({ cleanShutdown: true })
  assert.deepEqual({ ...clean.describe(), flushed: 0 }, { ...again.describe(), flushed: 0 })
  await checkRot(world, clean)
}

/** What was durable and is not whole any more is no torn tail. */
async function checkRot(world: LogWorld, log: PartitionLog): Promise<void> {
  await log.flush()
  // Apache Kafka's recovery point may be anywhere; ours is where a segment begins
  world.recoveryPoint = log.flushedOffset
  world.disk.kill()
  const last = world.disk
    .list('logs/t-0')
    .filter((name) => name.endsWith('.log'))
    .at(-1)
  const file = world.disk.open(`logs/t-0/${last}`, { create: false })
  if (file.size() === 0) return
  const byte = Buffer.alloc(1)
  file.read(70, byte)
  file.write(70, [Buffer.from([byte.readUInt8(0) ^ 1])])
  await assert.rejects(world.open(), CorruptLogError, 'S-5: rot is taken for a torn tail')
}
