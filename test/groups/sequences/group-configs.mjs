import { cjoin } from './steps.mjs'

const set = 0
const unset = 1
const append = 2
const alter = (configs, { group = '@', validateOnly = false } = {}) => ({
  call: 'incrementalAlterConfigs',
  version: 1,
  body: {
    resources: [
      {
        resourceType: 32,
        resourceName: group,
        configs: configs.map(([name, value, configOperation = set]) => ({ name, value, configOperation })),
      },
    ],
    validateOnly,
  },
})
const describeConfigs = (
  group = '@',
  configurationKeys = ['consumer.session.timeout.ms', 'consumer.heartbeat.interval.ms', 'consumer.assignment.interval.ms'],
  step = {},
) => ({
  call: 'describeConfigs',
  version: 4,
  body: { resources: [{ resourceType: 32, resourceName: group, configurationKeys }], includeSynonyms: true, includeDocumentation: false },
  ...step,
})
const session = 'consumer.session.timeout.ms'
const interval = 'consumer.heartbeat.interval.ms'

export const groupConfigs = [
  {
    name: 'settings of a group are set, read and taken back',
    steps: [
      describeConfigs(),
      alter([[session, '46000']]),
      describeConfigs('@', [session], { until: { path: 'results.0.configs.0.value', is: '46000' } }),
      describeConfigs(),
      alter([[interval, '600']], { validateOnly: true }),
      alter([[interval, '600']]),
      { pauseMs: 300 },
      cjoin(),
      alter([[session, null, unset]]),
      { pauseMs: 300 },
      describeConfigs(),
    ],
  },
  {
    name: 'settings of a group that are refused',
    steps: [
      alter([['no.such.config', '1']]),
      alter([['retention.ms', '1']]),
      alter([['group.consumer.session.timeout.ms', '50000']]),
      alter([[session, 'soon']]),
      alter([[session, '']]),
      alter([[session, '0']]),
      alter([[session, '-1']]),
      alter([[session, '999']]),
      alter([[session, '60001']]),
      alter([[session, '99999999999']]),
      alter([[session, null]]),
      alter([[interval, '199']]),
      alter([[interval, '15001']]),
      alter([
        [interval, '5000'],
        [session, '5000'],
      ]),
      alter([
        [interval, '5000'],
        [session, '2000'],
      ]),
      alter([['consumer.assignment.interval.ms', '-1']]),
      alter([['consumer.assignment.interval.ms', '15001']]),
      alter([
        [session, '2000'],
        [session, '3000'],
      ]),
      alter([[session, '2000', append]]),
      alter([[session, '2000']], { group: '' }),
      alter([['no.such.config', null, unset]]),
      alter([]),
      describeConfigs('@-none', null, { omit: ['documentation'] }),
      describeConfigs('@-none', ['no.such.config']),
      describeConfigs('', [session]),
      {
        call: 'alterConfigs',
        version: 2,
        body: { resources: [{ resourceType: 32, resourceName: '@', configs: [{ name: session, value: '2000' }] }], validateOnly: false },
      },
    ],
  },
]
