import { cbeat, cdescribe, cjoin } from './steps.mjs'

const withRegex = (subscribedTopicRegex, rest = {}, step = {}) => cjoin({ subscribedTopicNames: null, subscribedTopicRegex, ...rest }, step)
const invalid = [
  '[',
  '(',
  '*',
  'a**',
  '(?P<a',
  'a{2,1}',
  '\\',
  '(?=a)',
  'a{1001}',
  '[z-a]',
  '(?!a)',
  '(a)\\1',
  '[[:nonsense:]]',
  '\\pX',
  '?a',
  'x{2}{3}{4}(',
  '(?<=a)b',
  'a++',
  '\\8',
  '(?i',
]
const valid = [
  'regex-.*',
  '(?i)REGEX-A',
  'regex-[ab]',
  '^regex-a$',
  'regex-a|regex-b',
  'egex',
  '(?P<x>regex)-a',
  '\\Qregex-a\\E',
  'regex-\\p{Ll}',
  '.{7}',
  '',
]

export const regularExpressions = [
  {
    name: 'regular expressions that are none',
    steps: invalid.map((regex, index) => withRegex(regex, { groupId: `@-${index}` })),
  },
  {
    name: 'regular expressions that are some, and what they match',
    steps: valid.flatMap((regex, index) => [
      withRegex(regex, { groupId: `@-${index}` }, { save: { epoch: 'memberEpoch' } }),
      ...([
        'regex-.*',
        '(?i)REGEX-A',
        'regex-[ab]',
        '^regex-a$',
        'regex-a|regex-b',
        '(?P<x>regex)-a',
        '\\Qregex-a\\E',
        'regex-\\p{Ll}',
      ].includes(regex)
        ? [
            cbeat({ groupId: `@-${index}` }, { until: { path: 'assignment', not: null }, save: { epoch: 'memberEpoch' } }),
            cdescribe([`@-${index}`]),
          ]
        : [{ pauseMs: 300 }, cbeat({ groupId: `@-${index}` }), cdescribe([`@-${index}`])]),
    ]),
  },
  {
    name: 'names and a regular expression together, and one for the other',
    steps: [
      withRegex('regex-a', { subscribedTopicNames: ['t1'] }, { save: { epoch: 'memberEpoch' } }),
      cbeat({}, { until: { path: 'assignment.topicPartitions.length', is: 2 }, save: { epoch: 'memberEpoch' } }),
      cdescribe(),
      cbeat({ subscribedTopicRegex: '[' }),
      cbeat({ subscribedTopicRegex: '' }),
      cdescribe(),
    ],
  },
  {
    name: 'an empty expression is no expression',
    steps: [
      withRegex(''),
      cjoin({ groupId: '@-2', subscribedTopicNames: [], subscribedTopicRegex: '' }),
      cjoin({ groupId: '@-3', subscribedTopicNames: [] }),
    ],
  },
]
