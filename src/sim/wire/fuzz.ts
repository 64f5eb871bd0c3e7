import { assert } from '../../base/assert.ts'
import { Prng } from '../../base/prng.ts'
import { type Api, apiByKey, apis } from '../../protocol/apis.ts'
import { codec, decode, encode } from '../../protocol/codec.ts'
import { DecompressedTooLargeError } from '../../protocol/compression/compression.ts'
import { zstdDecode } from '../../protocol/compression/zstd-decoder.ts'
import { frameSizeBytes, readRequestHeader, readResponse, writeRequest, writeResponse } from '../../protocol/frames.ts'
import { MalformedError } from '../../protocol/reader.ts'
import {
  attributesAtByte,
  batchCrcIsValid,
  batchHeaderBytes,
  batchHeaders,
  lengthAtByte,
  recordsLogOverhead,
  stampCrc,
} from '../../protocol/records/batch-header.ts'
import { readControlRecord } from '../../protocol/records/control-batches.ts'
import { checkProducedBatch, type ProduceRules } from '../../protocol/records/leader-checks.ts'
import { decodeRecords } from '../../protocol/records/records.ts'
import type { Schema } from '../../protocol/schema.ts'
import { mutate } from './mutate.ts'
import { randomBatch } from './random-batch.ts'
import { randomMessage } from './random-message.ts'

/**
 * Structure-aware fuzzing of all that reads what a peer sent: requests and responses of every API and version, and record batches. What it demands:
 *
 * 1. Reading gives a value or throws MalformedError (for batches: a refusal); nothing else is ever thrown.
 * 2. What was read can be written, and reads the same again.
 * 3. Bytes after the frame do not matter: nothing is read past its end.
 * 4. No input takes longer than `stepMsMax`, however it is bent.
 */
export interface FuzzOptions {
  readonly seed: number
  /** One of the two bounds must be there. */
  readonly iterations?: number
  /** As `performance.now()`. */
  readonly untilMs?: number
}

export interface FuzzReport {
  readonly iterations: number
  readonly malformed: number
  readonly read: number
  /** The longest that one input took. */
  readonly slowestMs: number
}

/** Generous: a machine under load stalls any process for a while. What runs away takes minutes. */
const stepMsMax = 5_000
const decompressedMax = 4_194_304

const pairs: readonly { readonly api: Api; readonly version: number }[] = Object.values(apis).flatMap((api: Api) =>
  Array.from({ length: api.versionMax - api.versionMin + 1 }, (_, i) => ({ api, version: api.versionMin + i })),
)

const rules: ProduceRules = {
  apiVersion: 12,
  maxMessageBytes: 1_048_588,
  segmentBytes: 1_073_741_824,
  compacted: true,
  timestampType: 'CreateTime',
  now: 1_700_000_000_000,
  timestampBeforeMaxMs: 3_600_000,
  timestampAfterMaxMs: 3_600_000,
  compressionType: 'producer',
}

/** Throws with the seed, the iteration and the bytes when a demand is not met. */
export function runFuzz(options: FuzzOptions): FuzzReport {
  const { seed, iterations = Infinity, untilMs = Infinity } = options
  assert(iterations < Infinity || untilMs < Infinity, 'a run needs an end')
  const counts = { malformed: 0, read: 0 }
  let slowestMs = 0
  let done = 0
  for (; done < iterations && performance.now() < untilMs; done += 1) {
    const prng = new Prng(seed * 1_000_003 + done)
    const started = performance.now()
    const target = prng.pick([fuzzRequest, fuzzRequest, fuzzResponse, fuzzBatch, fuzzBatch])
    const bytes = Buffer.concat(target.make(prng))
    try {
      if (target.read(prng, bytes)) counts.read += 1
      else counts.malformed += 1
    } catch (error) {
      throw new Error(`seed ${seed}, iteration ${done}, ${target.name}: ${String(error)}\n${bytes.toString('hex')}`, { cause: error })
    }
    slowestMs = Math.max(slowestMs, performance.now() - started)
    if (slowestMs > stepMsMax) throw new Error(`seed ${seed}, iteration ${done}, ${target.name}: ${slowestMs} ms\n${bytes.toString('hex')}`)
  }
  return { iterations: done, slowestMs, ...counts }
}

interface Target {
  readonly name: string
  /** The bytes to be read, bent. */
  make(prng: Prng): readonly Buffer[]
  /** Whether they could be read. */
  read(prng: Prng, bytes: Buffer): boolean
}

function orMalformed(read: () => void): boolean {
  try {
    read()
    return true
  } catch (error) {
    if (error instanceof MalformedError) return false
    throw error
  }
}

/** A view of the bytes with garbage on both sides, so that reading past an end is seen as a difference. */
function surrounded(bytes: Buffer, garbage: number): Buffer {
  const wide = Buffer.alloc(bytes.length + 128, garbage)
  bytes.copy(wide, 64)
  return wide.subarray(64, 64 + bytes.length)
}

function checkStable(schema: Schema, version: number, message: unknown): void {
  const bytes = encode(schema, version, message as Record<string, never>)
  const again = encode(schema, version, decode(schema, version, bytes) as Record<string, never>)
  assert(again.equals(bytes), `${schema.name} version ${version} does not read as it was written`)
}

/** The frame behind a size, bent; half of them behind a whole header, so that the body is reached. */
function bentFrame(prng: Prng, parts: readonly Buffer[], headerBytes: number): Buffer {
  const whole = Buffer.concat(parts).subarray(frameSizeBytes)
  const donor = randomBatch(prng)
  const kept = prng.chance(0.8) ? headerBytes : 0
  return Buffer.concat([whole.subarray(0, kept), mutate(prng, whole.subarray(kept), donor)])
}

const clientHeaderBytes = 10

const fuzzRequest: Target = {
  name: 'request',
  make(prng) {
    const { api, version } = prng.pick(pairs)
    const body = randomMessage(prng, api.request, version) as Record<string, never>
    return [bentFrame(prng, writeRequest(api, version, 1, null, body), clientHeaderBytes)]
  },
  read(_prng, bytes) {
    const outcomes = [0x00, 0xff].map((garbage) => orMalformed(() => readRequest(surrounded(bytes, garbage))))
    assert(outcomes[0] === outcomes[1], 'what lies around a frame changes how it is read')
    return outcomes[0] === true
  },
}

function readRequest(frame: Buffer): void {
  const { header, body } = readRequestHeader(frame, (key) => apiByKey.get(key))
  const api = apiByKey.get(header.requestApiKey)
  if (api === undefined || header.requestApiVersion < api.versionMin || header.requestApiVersion > api.versionMax)
    throw new MalformedError('not served')
  const message = codec(api.request, header.requestApiVersion).read(body)
  body.expectEnd(api.request.name)
  checkStable(api.request, header.requestApiVersion, message)
}

const fuzzResponse: Target = {
  name: 'response',
  make(prng) {
    const { api, version } = prng.pick(pairs)
    const body = randomMessage(prng, api.response, version) as Record<string, never>
    const which = Buffer.alloc(4)
    which.writeInt16BE(api.key, 0)
    which.writeInt16BE(version, 2)
    return [which, bentFrame(prng, writeResponse(api, version, 1, body), 4)]
  },
  read(_prng, bytes) {
    const api = apiByKey.get(bytes.readInt16BE(0))
    assert(api !== undefined, 'the API is one of the table')
    const version = bytes.readInt16BE(2)
    return orMalformed(() => checkStable(api.response, version, readResponse(api, version, bytes.subarray(4)).body))
  },
}

const fuzzBatch: Target = {
  name: 'batch',
  make(prng) {
    const batch = randomBatch(prng)
    const kept = prng.chance(0.7) ? batchHeaderBytes : 0
    const bent = Buffer.concat([batch.subarray(0, kept), mutate(prng, batch.subarray(kept), randomBatch(prng))])
    return [prng.chance(0.8) ? madePlausible(prng, bent) : bent]
  },
  read(prng, bytes) {
    orMalformed(() => [...batchHeaders(bytes)])
    orMalformedOrLarge(() => decodeRecords(bytes, 0, decompressedMax).forEach((record) => orMalformed(() => readControlRecord(record))))
    orMalformedOrLarge(() =>
      zstdDecode(Buffer.concat([Buffer.from('28b52ffd0058', 'hex'), bytes.subarray(batchHeaderBytes)]), decompressedMax),
    )
    const outcome = checkProducedBatch(Buffer.from(bytes), {
      ...rules,
      compressionType: prng.pick(['producer', 'producer', 'uncompressed', 'gzip', 'lz4']),
    })
    if ('error' in outcome) return false
    assert(batchCrcIsValid(outcome.records, 0, outcome.records.length), 'an accepted batch has a sound checksum')
    assert(
      decodeRecords(outcome.records).every((record, i) => record.offset === i),
      'an accepted batch can be read',
    )
    return true
  },
}

function orMalformedOrLarge(read: () => void): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof MalformedError || error instanceof DecompressedTooLargeError)) throw error
  }
}

/** Length and checksum that fit, and sometimes another codec: so that what lies behind these checks is reached. */
function madePlausible(prng: Prng, bytes: Buffer): Buffer {
  if (bytes.length < batchHeaderBytes) return bytes
  const batch = Buffer.from(bytes)
  batch.writeInt32BE(batch.length - recordsLogOverhead, lengthAtByte)
  if (prng.chance(0.1)) batch.writeInt16BE(prng.below(5), attributesAtByte)
  stampCrc(batch, 0, batch.length)
  return batch
}
