// What the witnesses take from the project's build, beside what the rig takes.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { dist } from '../rig/build.mjs'

const load = (/** @type {string} */ path) => import(pathToFileURL(join(dist, path)).href)

export const { buildBatch } = await load('protocol/records/batch-builder.js')
export const { batchHeaders } = await load('protocol/records/batch-header.js')
export const { decodeRecords } = await load('protocol/records/records.js')
export const { ErrorCode, errorName, isRetriable } = await load('protocol/errors.js')
export const { HistoryRecorder } = await load('sim/history/recorder.js')
export const { examine } = await load('sim/history/judge.js')
export const { describeAnomaly } = await load('sim/history/describe.js')
