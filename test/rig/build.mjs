// What the rig takes from the project's build, in one place. ODRADEK_DIST names another build than dist/ (tsc --outDir).
import { resolve, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './peers.mjs'

export const dist = resolve(process.env.ODRADEK_DIST ?? join(root, 'dist'))

/** @param {string} path */
const load = (path) => import(pathToFileURL(join(dist, path)).href)

export const { apis } = await load('protocol/apis.js')
export const { readResponse, writeRequest } = await load('protocol/frames.js')
export const { ErrorCode } = await load('protocol/errors.js')
export const { buildBatch } = await load('protocol/records/batch-builder.js')
export const batchHeader = await load('protocol/records/batch-header.js')
const { decodeRecords } = await load('protocol/records/records.js')

/** The records of all whole batches. @param {Buffer} bytes */
export function recordsOf(bytes) {
  return [...batchHeader.batchHeaders(bytes)].flatMap(({ at, header }) =>
    header.isControl
      ? []
      : decodeRecords(bytes, at).map((record) => ({ ...record, stampedByLog: header.timestampType === 'LogAppendTime' })),
  )
}
