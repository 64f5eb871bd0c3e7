import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiByKey, apis } from './apis.ts'
import { decode } from './codec.ts'
import { readRequestHeader, readResponse, requestHeaderVersion, responseHeaderVersion, writeRequest, writeResponse } from './frames.ts'
import { MalformedError } from './reader.ts'

const apiOf = (key: number) => apiByKey.get(key)
const frame = (hex: string): Buffer => Buffer.from(hex, 'hex')

test('flexible requests have header 2, their answers header 1; the answer to ApiVersions always has header 0', () => {
  assert.equal(requestHeaderVersion(apis.produce, 8), 1)
  assert.equal(requestHeaderVersion(apis.produce, 9), 2)
  assert.equal(responseHeaderVersion(apis.produce, 8), 0)
  assert.equal(responseHeaderVersion(apis.produce, 9), 1)
  assert.equal(requestHeaderVersion(apis.apiVersions, 3), 2)
  assert.equal(responseHeaderVersion(apis.apiVersions, 4), 0)
})

test('a request is read as it was written, with its size in front', () => {
  for (const version of [8, 9]) {
    const bytes = Buffer.concat(writeRequest(apis.produce, version, 77, 'client', { acks: -1, timeoutMs: 5, topicData: [] }))
    assert.equal(bytes.readInt32BE(0), bytes.length - 4)
    const { header, body } = readRequestHeader(bytes.subarray(4), apiOf)
    assert.deepEqual([header.requestApiKey, header.requestApiVersion, header.correlationId, header.clientId], [0, version, 77, 'client'])
    assert.equal(decode(apis.produce.request, version, body.slice(body.remaining)).timeoutMs, 5)
  }
})

test('the client id keeps its int16 length in header 2, and may be null', () => {
  const { header, body } = readRequestHeader(frame('0012000300000001ffff00'), apiOf)
  assert.equal(header.clientId, null)
  assert.equal(body.remaining, 0)
})

test('unknown tags of a header are passed over', () => {
  const { header, body } = readRequestHeader(frame('001200030000000100016101050200ff' + '0102'), apiOf)
  assert.equal(header.clientId, 'a')
  assert.deepEqual(header.unknownTags, [{ tag: 5, bytes: frame('00ff') }])
  assert.equal(body.remaining, 2)
})

test('the header of an API or a version that is not served can still be read', () => {
  assert.equal(readRequestHeader(frame('03e7000000000005ffff'), apiOf).header.correlationId, 5)
  assert.equal(readRequestHeader(frame('0012006300000006ffff00'), apiOf).header.requestApiVersion, 99)
})

test('a frame that is no request is malformed', () => {
  for (const hex of [
    '',
    '00',
    '00120003000000',
    '0012000300000001',
    '0012000300000001fffe00',
    '00120003000000010005610000',
    '0012000300000001ffff0201000000',
  ]) {
    assert.throws(() => readRequestHeader(frame(hex), apiOf), MalformedError, hex)
  }
})

test('a response is read as it was written', () => {
  const bytes = Buffer.concat(writeResponse(apis.metadata, 9, 5, { brokers: [{ nodeId: 1, host: 'h', port: 9 }], topics: [] }))
  const { correlationId, body } = readResponse(apis.metadata, 9, bytes.subarray(4))
  assert.equal(correlationId, 5)
  assert.equal(body.brokers[0]?.host, 'h')
  assert.throws(() => readResponse(apis.metadata, 9, Buffer.concat([bytes.subarray(4), Buffer.alloc(1)])), MalformedError)
})
