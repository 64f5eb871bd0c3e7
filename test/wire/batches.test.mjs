// Record batches: those that Kafka makes, with each codec, say the same to us as to Kafka; those that we make say the same to Kafka as to us,
// control batches of the metadata log included.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { without } from '../rig/peers.mjs'
import { runJava } from './java.mjs'
import { load } from './schemas.mjs'

const seed = Number(process.env.WIRE_SEED ?? 1)
const skip = without('java')
const hex = (bytes) => (bytes === null ? 'null' : bytes.toString('hex'))

describe('record batches', { skip }, () => {
  let modules
  let made
  let ours
  let answers

  /** What we read in a batch, in the words of Batches.java. */
  function read(batch) {
    const header = modules.readBatchHeader(batch, 0)
    const {
      baseOffset,
      lastOffset,
      leaderEpoch,
      codec,
      timestampType,
      maxTimestamp,
      producerId,
      producerEpoch,
      baseSequence,
      lastSequence,
    } = header
    const head = [
      baseOffset,
      lastOffset,
      leaderEpoch,
      codec,
      timestampType,
      maxTimestamp,
      producerId,
      producerEpoch,
      baseSequence,
      lastSequence,
    ]
    const records = modules.decodeRecords(batch).map(({ offset, timestamp, key, value, headers }) => {
      const named = headers.map((it) => ` ${hex(Buffer.from(it.key))}=${hex(it.value)}`)
      return `${offset} ${timestamp} ${hex(key)} ${hex(value)}${named.join('')}`
    })
    assert.ok(modules.batchCrcIsValid(batch, 0, batch.length))
    return [[...head, header.isTransactional, header.isControl, header.recordCount].join(' '), ...records].join('|')
  }

  before(async () => {
    modules = Object.assign(
      {},
      ...(await Promise.all(
        ['batch-header.js', 'records.js', 'batch-builder.js', 'control-batches.js'].map((file) => load('protocol', 'records', file)),
      )),
      await load('protocol', 'compression', 'compression.js'),
    )
    const { Prng } = await load('base', 'prng.js')
    const { randomBatch } = await load('sim', 'wire', 'random-batch.js')
    const prng = new Prng(seed)
    ours = Array.from({ length: 300 }, () => randomBatch(prng))
    const lines = runJava(
      'Batches',
      [String(seed)],
      [...ours, controlBatch()].map((it) => it.toString('hex')),
    )
    const end = lines.indexOf('-')
    made = lines.slice(0, end).map((line) => line.split('\t'))
    answers = lines.slice(end + 1)
  })

  function controlBatch() {
    const voter = {
      voterId: 1,
      voterDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAQ',
      endpoints: [{ name: 'CONTROLLER', host: 'localhost', port: 65535 }],
    }
    return modules.controlBatch({ baseOffset: 9, leaderEpoch: 2, timestamp: 1000 }, [
      modules.leaderChangeRecord({ leaderId: 3, voters: [{ voterId: 1 }, { voterId: 3 }], grantingVoters: [{ voterId: 3 }] }),
      modules.snapshotHeader(77),
      modules.snapshotFooter(),
      modules.kraftVersionRecord(1),
      modules.kraftVotersRecord([{ ...voter, kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 } }]),
    ])
  }

  test('those of Kafka, with each of its codecs, say to us what they say to Kafka', () => {
    assert.equal(made.length, 50)
    for (const [bytes, says] of made) assert.equal(read(Buffer.from(bytes, 'hex')), says)
  })

  test('ours say to Kafka what they say to us', () => {
    ours.forEach((batch, i) => assert.equal(answers[i], read(batch)))
  })

  test('control records of ours are those that Kafka knows', () => {
    const [head, ...records] = answers.at(-1).split('|')
    assert.equal(head, '9 13 2 none CreateTime 1000 -1 -1 -1 -1 false true 5')
    assert.deepEqual(records, [
      '9 LEADER_CHANGE LeaderChangeMessage(version=0, leaderId=3, voters=[Voter(voterId=1, voterDirectoryId=AAAAAAAAAAAAAAAAAAAAAA), Voter(voterId=3, voterDirectoryId=AAAAAAAAAAAAAAAAAAAAAA)], grantingVoters=[Voter(voterId=3, voterDirectoryId=AAAAAAAAAAAAAAAAAAAAAA)])',
      '10 SNAPSHOT_HEADER SnapshotHeaderRecord(version=0, lastContainedLogTimestamp=77)',
      '11 SNAPSHOT_FOOTER SnapshotFooterRecord(version=0)',
      '12 KRAFT_VERSION KRaftVersionRecord(version=0, kRaftVersion=1)',
      "13 KRAFT_VOTERS VotersRecord(version=0, voters=[Voter(voterId=1, voterDirectoryId=AAAAAAAAAAAAAAAAAAAAAQ, endpoints=[Endpoint(name='CONTROLLER', host='localhost', port=65535)], kRaftVersionFeature=KRaftVersionFeature(minSupportedVersion=0, maxSupportedVersion=1))])",
    ])
  })
})
