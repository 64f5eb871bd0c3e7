// What a disk may do to a file of one replica: a flipped bit, a run of bytes, a block of zeros, an end that is gone, a valid batch that was written in the
// place of another.
import { existsSync, readdirSync, readFileSync, statSync, openSync, writeSync, closeSync, ftruncateSync } from 'node:fs'
import { join } from 'node:path'
import { batchHeader } from '../rig/build.mjs'

export const kinds = /** @type {const} */ (['bit', 'run', 'zeros', 'truncation', 'misplaced'])

/** A small generator of numbers from a seed (mulberry32). @param {number} seed */
export function numbers(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    fraction: next,
    below: (/** @type {number} */ limit) => Math.floor(next() * limit),
    pick: (/** @type {any} */ list) => list[Math.floor(next() * list.length)],
  }
}

/** The batches of a segment: [byte, size]. @param {Buffer} content */
export function batchesIn(content) {
  /** @type {[number, number][]} */
  const found = []
  try {
    for (const { at, header } of batchHeader.batchHeaders(content))
      if (at + header.sizeBytes <= content.length) found.push([at, header.sizeBytes])
  } catch {
    // what is damaged already ends the list
  }
  return found
}

/**
 * Damages one file of a partition; null: there is nothing to damage in this way.
 * @param {string} folder @param {typeof kinds[number]} kind @param {ReturnType<typeof numbers>} random @param {'log' | 'any'} which
 */
export function damage(folder, kind, random, which) {
  if (!existsSync(folder)) return null
  const names = readdirSync(folder).filter((name) => statSync(join(folder, name)).size > 0)
  const logs = names.filter((name) => name.endsWith('.log'))
  const others = names.filter((name) => !name.endsWith('.log'))
  const isOther = which === 'any' && kind !== 'misplaced' && others.length > 0 && random.fraction() < 0.3
  const name = random.pick(isOther ? others : logs)
  if (name === undefined) return null
  const path = join(folder, name)
  const before = readFileSync(path)
  const after = changed(Buffer.from(before), kind, random)
  if (after === null || after.equals(before)) return null
  put(path, before, after)
  return { name, kind }
}

/** @param {Buffer} content @param {typeof kinds[number]} kind @param {ReturnType<typeof numbers>} random */
function changed(content, kind, random) {
  const at = random.below(content.length)
  switch (kind) {
    case 'bit':
      content.writeUInt8((content[at] ?? 0) ^ (1 << random.below(8)), at)
      return content
    case 'run':
      for (let i = at; i < Math.min(content.length, at + 1 + random.below(64)); i += 1) content.writeUInt8(random.below(256), i)
      return content
    case 'zeros': {
      const block = at - (at % 512)
      return content.fill(0, block, Math.min(content.length, block + 512))
    }
    case 'truncation':
      return content.subarray(0, at)
    case 'misplaced':
      return misplaced(content, random)
  }
}

/** One batch over another of its size. @param {Buffer} content @param {ReturnType<typeof numbers>} random */
function misplaced(content, random) {
  const batches = batchesIn(content)
  const [from, size] = random.pick(batches) ?? [0, 0]
  const places = batches.filter(([at, bytes]) => bytes === size && at !== from)
  const to = random.pick(places)?.[0]
  if (to === undefined) return null
  content.copy(content, to, from, from + size)
  return content
}

/** In place, as a disk does it: the file stays the one that the node has open. @param {string} path @param {Buffer} before @param {Buffer} after */
function put(path, before, after) {
  const file = openSync(path, 'r+')
  try {
    let first = 0
    while (first < after.length && after[first] === before[first]) first += 1
    let last = after.length
    while (last > first && after[last - 1] === before[last - 1]) last -= 1
    if (last > first) writeSync(file, after, first, last - first, first)
    if (after.length < before.length) ftruncateSync(file, after.length)
  } finally {
    closeSync(file)
  }
}
