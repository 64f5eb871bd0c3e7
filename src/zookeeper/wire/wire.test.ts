import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../../base/prng.ts'
import { ZooKeeperError } from '../zookeeper.ts'
import { type Answer, readAnswer, readEvent, readReplyHeader, writeAnswer, writeEvent } from './answers.ts'
import { errorCodeOf, numberOf } from './errors.ts'
import { readConnectRequest, readConnectResponse, writeConnectRequest, writeConnectResponse } from './handshake.ts'
import { JuteReader, JuteWriter } from './jute.ts'
import type { Operation } from './operations.ts'
import { creatorAll, type Stat, worldRead } from './records.ts'
import { readRequest, type Request, writeRequest } from './requests.ts'

const body = (frame: Buffer): Buffer => frame.subarray(4)

const stat: Stat = {
  czxid: 1n << 40n,
  mzxid: -1n,
  pzxid: 3n,
  ctime: 1_700_000_000_000,
  mtime: 1_700_000_000_001,
  version: 2,
  cversion: 3,
  aversion: 4,
  ephemeralOwner: 0x1000_0000_0000_0007n,
  dataLength: 5,
  childCount: 6,
}

const operations: readonly Operation[] = [
  { op: 'create', path: '/ä', data: Buffer.from('x'), acl: [creatorAll, worldRead], mode: 'ephemeralSequential', withStat: true },
  { op: 'create', path: '/b', data: Buffer.alloc(0), acl: [], mode: 'persistent', withStat: false },
  { op: 'set', path: '/c', data: Buffer.from([0, 255]), version: -1 },
  { op: 'delete', path: '/d', version: 7 },
  { op: 'check', path: '/e', version: 0 },
]

const requests: readonly Request[] = [
  ...operations,
  { op: 'get', path: '/a', watch: true },
  { op: 'exists', path: '/a', watch: false },
  { op: 'children', path: '/', watch: true },
  { op: 'sync', path: '/' },
  { op: 'multi', operations },
  { op: 'multi', operations: [] },
  { op: 'auth', scheme: 'digest', auth: Buffer.from('u:p') },
  {
    op: 'setWatches',
    watches: { relativeZxid: 9n, data: ['/a'], exist: ['/b', '/c'], child: [], persistent: ['/d'], persistentRecursive: ['/e'] },
  },
  { op: 'addWatch', path: '/w', recursive: true },
  { op: 'closeSession' },
  { op: 'ping' },
]

const answers: readonly (readonly [Request, Answer])[] = [
  [operations[0] ?? { op: 'ping' }, { op: 'create', path: '/ä0000000001', stat }],
  [operations[1] ?? { op: 'ping' }, { op: 'create', path: '/b', stat: null }],
  [
    { op: 'set', path: '/c', data: Buffer.alloc(0), version: 0 },
    { op: 'set', stat },
  ],
  [{ op: 'delete', path: '/d', version: 0 }, { op: 'delete' }],
  [
    { op: 'get', path: '/a', watch: false },
    { op: 'get', data: Buffer.from('data'), stat },
  ],
  [
    { op: 'exists', path: '/a', watch: false },
    { op: 'exists', stat },
  ],
  [
    { op: 'children', path: '/a', watch: false },
    { op: 'children', children: ['x', 'y'], stat },
  ],
  [
    { op: 'sync', path: '/a' },
    { op: 'sync', path: '/a' },
  ],
  [
    { op: 'multi', operations },
    {
      op: 'multi',
      results: [{ op: 'create', path: '/ä', stat }, { op: 'set', stat }, { op: 'delete' }, { op: 'check' }, { op: 'error', error: -2 }],
    },
  ],
]

test('what is written is read again', () => {
  for (const [at, request] of requests.entries()) {
    const frame = writeRequest(at, request)
    assert.equal(frame.readInt32BE(0), frame.length - 4)
    assert.deepEqual(readRequest(body(frame)), { xid: at, request })
  }
  for (const [request, answer] of answers) {
    const reader = new JuteReader(body(writeAnswer({ xid: 5, zxid: 1n << 33n, error: 0 }, answer)))
    assert.deepEqual(readReplyHeader(reader), { xid: 5, zxid: 1n << 33n, error: 0 })
    assert.deepEqual(readAnswer(request, reader), answer)
    assert.equal(reader.remaining, 0)
  }
  for (const type of ['created', 'deleted', 'changed', 'childrenChanged'] as const) {
    const reader = new JuteReader(body(writeEvent({ type, path: '/a' })))
    assert.equal(readReplyHeader(reader).xid, -1)
    assert.deepEqual(readEvent(reader), { type, path: '/a' })
  }
})

test('the handshake is as ZooKeeper has it, with and without the last byte', () => {
  const request = { lastZxidSeen: 3n, timeoutMs: 2_000, sessionId: 0x0100_0000_0000_0001n, password: Buffer.alloc(16, 1), readOnly: false }
  const frame = writeConnectRequest(request)
  assert.equal(frame.toString('hex'), `0000002d00000000${'0000000000000003'}000007d0${'0100000000000001'}00000010${'01'.repeat(16)}00`)
  assert.deepEqual(readConnectRequest(body(frame)), request)
  assert.deepEqual(readConnectRequest(body(frame).subarray(0, -1)), request)
  const response = { timeoutMs: 2_000, sessionId: -1n, password: Buffer.alloc(16, 2), readOnly: true }
  assert.deepEqual(readConnectResponse(body(writeConnectResponse(response))), response)
})

test('a create is byte for byte what ZooKeeper writes', () => {
  const acl = [{ permissions: 31, scheme: 'world', id: 'anyone' }]
  const request: Request = { op: 'create', path: '/a', data: Buffer.from('x'), acl, mode: 'ephemeral', withStat: true }
  const expected = [
    '00000001', // xid
    '0000000f', // create2
    '000000022f61', // path
    '0000000178', // data
    '00000001', // one ACL
    '0000001f',
    `00000005${Buffer.from('world').toString('hex')}`,
    `00000006${Buffer.from('anyone').toString('hex')}`,
    '00000001', // flags
  ]
  assert.equal(body(writeRequest(1, request)).toString('hex'), expected.join(''))
})

test('bytes that are not what they claim to be are a ZooKeeperError', () => {
  const isMalformed = (error: unknown): boolean => error instanceof ZooKeeperError && error.code === 'marshallingError'
  const prng = new Prng(5)
  const attempt = (run: () => unknown): void => {
    try {
      run()
    } catch (error) {
      assert.ok(isMalformed(error), String(error))
    }
  }
  for (let round = 0; round < 3_000; round += 1) {
    const [request, answer] = prng.pick(answers)
    const bytes = Buffer.from(body(writeAnswer({ xid: 1, zxid: 1n, error: 0 }, answer)))
    const changes = prng.below(4)
    for (let change = 0; change < changes; change += 1) bytes[prng.below(bytes.length)] = prng.below(256)
    const cut = bytes.subarray(0, prng.below(bytes.length + 1))
    attempt(() => {
      const reader = new JuteReader(cut)
      readReplyHeader(reader)
      return readAnswer(request, reader)
    })
    attempt(() => readConnectResponse(cut))
    attempt(() => readRequest(cut))
    attempt(() => readEvent(new JuteReader(cut)))
  }
  const claims = new JuteWriter().int(0x7fff_ffff).frame()
  assert.throws(() => new JuteReader(body(claims)).vector(() => 1), isMalformed)
  assert.throws(() => new JuteReader(body(claims)).buffer(), isMalformed)
  assert.throws(() => new JuteReader(Buffer.from([255, 255, 255, 254])).buffer(), isMalformed)
})

test('numbers of errors are those of KeeperException, and what is not known is an error of the system', () => {
  for (const [number, code] of [
    [-4, 'connectionLoss'],
    [-101, 'noNode'],
    [-103, 'badVersion'],
    [-110, 'nodeExists'],
    [-112, 'sessionExpired'],
    [-118, 'sessionMoved'],
  ] as const) {
    assert.equal(errorCodeOf(number), code)
    assert.equal(numberOf(code), number)
  }
  assert.equal(numberOf('authFailed'), -115)
  assert.equal(errorCodeOf(-124), 'authFailed')
  assert.equal(errorCodeOf(-125), 'systemError')
  assert.equal(errorCodeOf(12), 'systemError')
})
