import { bool, type Draft, message, type Message, string } from '../schema.ts'

export const defaultPrincipalData = message(
  'DefaultPrincipalData',
  -1,
  { versions: '0', flexible: '0+' },
  {
    type: string('0+'),
    name: string('0+'),
    tokenAuthenticated: bool('0+'),
  },
)
export type DefaultPrincipalData = Message<typeof defaultPrincipalData>
export type DefaultPrincipalDataDraft = Draft<typeof defaultPrincipalData>
