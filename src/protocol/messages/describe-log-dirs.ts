import { array, bool, type Draft, int16, int32, int64, message, type Message, string, structs } from '../schema.ts'

export const describeLogDirsRequest = message(
  'DescribeLogDirsRequest',
  35,
  { versions: '1-5', flexible: '2+' },
  {
    topics: structs(
      '0+',
      {
        topic: string('0+'),
        partitions: array('0+', 'int32'),
      },
      { nullable: '0+' },
    ),
  },
)
export type DescribeLogDirsRequest = Message<typeof describeLogDirsRequest>
export type DescribeLogDirsRequestDraft = Draft<typeof describeLogDirsRequest>

export const describeLogDirsResponse = message(
  'DescribeLogDirsResponse',
  35,
  { versions: '1-5', flexible: '2+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('3+', { ignorable: true }),
    results: structs('0+', {
      errorCode: int16('0+'),
      logDir: string('0+'),
      topics: structs('0+', {
        name: string('0+'),
        partitions: structs('0+', {
          partitionIndex: int32('0+'),
          partitionSize: int64('0+'),
          offsetLag: int64('0+'),
          isFutureKey: bool('0+'),
        }),
      }),
      totalBytes: int64('4+', { default: -1, ignorable: true }),
      usableBytes: int64('4+', { default: -1, ignorable: true }),
      isCordoned: bool('5+', { default: false, ignorable: true }),
    }),
  },
)
export type DescribeLogDirsResponse = Message<typeof describeLogDirsResponse>
export type DescribeLogDirsResponseDraft = Draft<typeof describeLogDirsResponse>
