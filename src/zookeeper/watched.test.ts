import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Watched } from './watched.ts'
import type { Answer } from './wire/answers.ts'
import type { Request } from './wire/requests.ts'

const stat = {
  czxid: 1n,
  mzxid: 1n,
  pzxid: 1n,
  ctime: 0,
  mtime: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0n,
  dataLength: 0,
  childCount: 0,
}
const got: Answer = { op: 'get', data: Buffer.alloc(0), stat }
const listed: Answer = { op: 'children', children: [], stat }
const read = (op: 'get' | 'exists' | 'children', path: string): Request => ({ op, path, watch: false })

function watching(...paths: readonly string[]): Watched {
  const watched = new Watched()
  for (const path of paths) watched.onAnswer({ op: 'addWatch', path, recursive: true }, { op: 'addWatch' })
  return watched
}

function flat(watched: Watched): Record<'data' | 'exist' | 'child' | 'persistentRecursive', string[]> {
  const all = watched.toSet(7n)
  for (const { relativeZxid } of all) assert.equal(relativeZxid, 7n)
  const of = (kind: 'data' | 'exist' | 'child' | 'persistentRecursive'): string[] =>
    all.flatMap((it) => it[kind]).sort((a, b) => (a < b ? -1 : 1))
  return { data: of('data'), exist: of('exist'), child: of('child'), persistentRecursive: of('persistentRecursive') }
}

test('nothing is set where nothing is watched', () => {
  const watched = watching()
  watched.onAnswer(read('get', '/a'), got)
  assert.deepEqual(watched.toSet(1n), [])
})

test('what was read below a watch is set as what it was', () => {
  const watched = watching('/w')
  watched.onAnswer(read('get', '/w/a'), got)
  watched.onAnswer(read('get', '/wrong'), got)
  watched.onAnswer(read('children', '/w/l'), listed)
  watched.onMissing(read('exists', '/w/m'))
  assert.deepEqual(flat(watched), {
    data: ['/w', '/w/a', '/w/l'],
    exist: ['/w/m'],
    child: ['/w', '/w/l'],
    persistentRecursive: ['/w'],
  })
})

test('what was told changes what is set', () => {
  const watched = watching('/w')
  watched.onMissing(read('get', '/w/d/new'))
  watched.onAnswer(read('children', '/w/gone'), listed)
  watched.onEvent({ type: 'created', path: '/w/d/new' })
  watched.onEvent({ type: 'deleted', path: '/w/gone' })
  assert.deepEqual(flat(watched), { data: ['/w', '/w/d/new'], exist: [], child: ['/w', '/w/d'], persistentRecursive: ['/w'] })
  watched.onEvent({ type: 'deleted', path: '/w' })
  assert.deepEqual(flat(watched).exist, ['/w'])
  watched.onEvent({ type: 'created', path: '/w' })
  assert.deepEqual(flat(watched).exist, [])
})

test('many paths go in several frames, none of them too long, the lasting watches last', () => {
  const watched = watching('/')
  for (let at = 0; at < 10_000; at += 1) watched.onAnswer(read('get', `/a-path-of-some-forty-characters/${at}`), got)
  const all = watched.toSet(7n)
  assert.ok(all.length > 3)
  for (const { data } of all) assert.ok(data.reduce((sum, it) => sum + it.length + 4, 0) < 200_000)
  assert.equal(flat(watched).data.length, 10_001)
  assert.deepEqual(all.at(-1)?.persistentRecursive, ['/'])
})
