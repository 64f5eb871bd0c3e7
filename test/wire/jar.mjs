// Reads entries of a jar (a zip file), as little as is needed for Kafka's message definitions.
import { readFileSync } from 'node:fs'
import { inflateRawSync } from 'node:zlib'

const endOfDirectory = 0x06054b50
const directoryEntry = 0x02014b50
const endBytes = 22

/**
 * @param {string} path
 * @param {(name: string) => boolean} wanted
 * @returns {Map<string, string>} text by name
 */
export function textsOfJar(path, wanted) {
  const zip = readFileSync(path)
  let end = zip.length - endBytes
  while (end >= 0 && zip.readUInt32LE(end) !== endOfDirectory) end -= 1
  if (end < 0) throw new Error(`${path} is not a jar`)
  const texts = new Map()
  let at = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (zip.readUInt32LE(at) !== directoryEntry) throw new Error(`${path}: no entry at ${at}`)
    const method = zip.readUInt16LE(at + 10)
    const packedBytes = zip.readUInt32LE(at + 20)
    const nameBytes = zip.readUInt16LE(at + 28)
    const name = zip.toString('utf8', at + 46, at + 46 + nameBytes)
    const local = zip.readUInt32LE(at + 42)
    if (wanted(name)) {
      const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
      const packed = zip.subarray(from, from + packedBytes)
      texts.set(name, (method === 0 ? packed : inflateRawSync(packed)).toString('utf8'))
    }
    at += 46 + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
  return texts
}
