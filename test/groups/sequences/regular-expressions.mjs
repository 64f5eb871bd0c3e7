import { cbeat, cdescribe, cjoin } from './steps.mjs'

/** Kafka looks for matching topics beside the request and tells of them, in another epoch, with a later heartbeat; we do it at once. */
const byAndBy = ['memberEpoch', 'groupEpoch', 'assignmentEpoch']
const atFirst = [...byAndBy, 'assignment']

const withRegex = (subscribedTopicRegex, rest = {}, step = {}) =>
  cjoin({ subscribedTopicNames: null, subscribedTopicRegex, ...rest }, { omit: atFirst, save: { epoch: 'memberEpoch' }, ...step })

/** A heartbeat that says everything again, and is told its whole assignment again. */
const again = (subscribedTopicRegex, rest = {}, step = {}) =>
  cbeat(
    { rebalanceTimeoutMs: 10_000, subscribedTopicNames: null, subscribedTopicRegex, topicPartitions: [], ...rest },
    { omit: byAndBy, save: { epoch: 'memberEpoch' }, ...step },
  )

const invalid = [
  ...['[', '(', '*', 'a**', '(?P<a', 'a{2,1}', '\\', '(?=a)', 'a{1001}', '[z-a]', '(?!a)', '(a)\\1', '[[:nonsense:]]', '\\pX', '?a'],
  ...[
    'x{2}{3}{4}(',
    '(?<=a)b',
    'a++',
    '\\8',
    '(?i',
    '[a',
    '[^]',
    ')',
    '+',
    '(?z)a',
    '(?P<1>a)',
    '(?P<n>a)(?P<n>b)',
    '(?P=n)',
    '\\p{Nonsense}',
  ],
  ...['a*+', 'a*?+', 'a{2}*', '[[:alpha:', '\\x{110000}', '\\x', '\\u0041', '\\c', '\\e', '\\i', '(?#comment)'],
]
/** The same error in other words. */
const ownWords = new Set([')', '\\x{110000}'])
/** With how many of the two topics regex-a and regex-b each matches. */
const valid = {
  'regex-.*': 2,
  '(?i)REGEX-A': 1,
  'regex-[ab]': 2,
  '^regex-a$': 1,
  'regex-a|regex-b': 2,
  '(?P<x>regex)-a': 1,
  '\\Qregex-a\\E': 1,
  'regex-\\p{Ll}': 2,
  '.{7}': 2,
  '(?s).*-b': 1,
  '[^x]+x-a': 1,
  '\\x72egex-a': 1,
  '\\x{72}egex-a': 1,
  '\\w{5}-[[:alpha:]]': 2,
  '\\Aregex-a\\z': 1,
  '(?:regex)-(?i:A)': 1,
  'regex\\b-a': 1,
  '(?U)regex.*': 2,
  '(?m)^regex-a$': 1,
  'reg(e|x){2}-a': 1,
  'regex-a??': 1,
  '[[:word:]-]+-b': 1,
  '\\162egex-a': 1,
  '|regex-a': 1,
  'regex[-]a': 1,
  'regex-[^[:^alpha:]]': 2,
  'regex-\\pL': 2,
  'regex-[\\D]': 2,
  'r{1}e{0,1000}gex-(a{,3}|b)': 1,
}
/** That match none of the topics. */
const idle = [
  'egex',
  '',
  'regex',
  '\\d+',
  '()',
  '\\p{Greek}',
  'a||b',
  '[]x]',
  '\\07',
  '(?-i)REGEX-A',
  'regex-a\\.',
  '^*',
  '\\C+',
  '(?<name>x)',
  '\\Q',
]

export const regularExpressions = [
  {
    name: 'regular expressions that are none',
    steps: [
      ...invalid.map((regex, index) =>
        withRegex(regex, { groupId: `@-${index}` }, ownWords.has(regex) ? { omit: [...atFirst, 'errorMessage'] } : {}),
      ),
      withRegex('((a{100}){100}){100}', {}, { apart: 'we refuse what would take a million steps to match' }),
    ],
  },
  {
    name: 'regular expressions that are some, and what they match',
    steps: Object.entries(valid).flatMap(([regex, count], index) => [
      withRegex(regex, { groupId: `@-${index}` }),
      again(regex, { groupId: `@-${index}` }, { until: { path: 'assignment.topicPartitions.length', is: count } }),
      cdescribe([`@-${index}`], { omit: byAndBy }),
    ]),
  },
  {
    name: 'regular expressions that match nothing',
    steps: [
      ...idle.map((regex, index) =>
        withRegex(regex, { groupId: `@-${index}` }, { omit: atFirst, save: { [`epoch${index}`]: 'memberEpoch' } }),
      ),
      { pauseMs: 500 },
      ...idle.flatMap((regex, index) => [
        cbeat({ groupId: `@-${index}`, memberEpoch: `$epoch${index}` }, { omit: byAndBy }),
        cdescribe([`@-${index}`], { omit: byAndBy }),
      ]),
    ],
  },
  {
    name: 'names and a regular expression together, and one for the other',
    steps: [
      withRegex('regex-a', { subscribedTopicNames: ['t1'] }),
      again('regex-a', { subscribedTopicNames: ['t1'] }, { until: { path: 'assignment.topicPartitions.length', is: 2 } }),
      cdescribe(['@'], { omit: byAndBy }),
      cbeat({ subscribedTopicRegex: '[' }),
      cbeat({ subscribedTopicRegex: '' }, { omit: byAndBy }),
      cdescribe(['@'], { omit: byAndBy }),
    ],
  },
  {
    name: 'an empty expression is no expression',
    steps: [
      cjoin({ subscribedTopicNames: null, subscribedTopicRegex: '' }),
      cjoin({ groupId: '@-2', subscribedTopicNames: [], subscribedTopicRegex: '' }),
      cjoin({ groupId: '@-3', subscribedTopicNames: [] }),
    ],
  },
]
