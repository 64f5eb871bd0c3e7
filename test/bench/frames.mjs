// The other side of the generator's frames, by the project's own schemas.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { dist } from '../rig/build.mjs'

const load = (/** @type {string} */ path) => import(pathToFileURL(join(dist, path)).href)
const { readRequestHeader, writeResponse } = await load('protocol/frames.js')
const { codec } = await load('protocol/codec.js')

/** @param {any} api @param {Buffer} frame with its size @returns {{ header: any, body: any }} */
export function readRequest(api, frame) {
  const { header, body } = readRequestHeader(frame.subarray(4), () => api)
  return { header, body: codec(api.request, header.requestApiVersion).read(body) }
}

/** A response without its size. @param {any} api @param {number} version @param {object} body @returns {Buffer} */
export function response(api, version, body) {
  return Buffer.concat(writeResponse(api, version, 1, body)).subarray(4)
}
