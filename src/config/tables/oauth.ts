import { anyList, between, boolean, className, int, list, long, oneOfAnyCase, password, string } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** SASL/OAUTHBEARER. */
export const oauthRows: readonly ConfigKey[] = [
  string('sasl.oauthbearer.assertion.algorithm', 'RS256', 'medium', { valid: oneOfAnyCase('ES256', 'RS256') }),
  string('sasl.oauthbearer.assertion.claim.aud', null, 'medium'),
  int('sasl.oauthbearer.assertion.claim.exp.seconds', 300, 'low', { valid: between(0, 86400) }),
  string('sasl.oauthbearer.assertion.claim.iss', null, 'medium'),
  boolean('sasl.oauthbearer.assertion.claim.jti.include', false, 'medium'),
  int('sasl.oauthbearer.assertion.claim.nbf.seconds', 60, 'low', { valid: between(0, 3600) }),
  string('sasl.oauthbearer.assertion.claim.sub', null, 'medium'),
  string('sasl.oauthbearer.assertion.file', null, 'medium'),
  string('sasl.oauthbearer.assertion.private.key.file', null, 'medium'),
  password('sasl.oauthbearer.assertion.private.key.passphrase', null, 'medium'),
  string('sasl.oauthbearer.assertion.template.file', null, 'medium'),
  string('sasl.oauthbearer.client.credentials.client.id', null, 'medium'),
  password('sasl.oauthbearer.client.credentials.client.secret', null, 'medium'),
  int('sasl.oauthbearer.clock.skew.seconds', 30, 'low'),
  list('sasl.oauthbearer.expected.audience', '', 'high', { valid: anyList({ empty: true }) }),
  string('sasl.oauthbearer.expected.issuer', null, 'high'),
  long('sasl.oauthbearer.jwks.endpoint.refresh.ms', 3600000, 'low'),
  long('sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms', 10000, 'low'),
  long('sasl.oauthbearer.jwks.endpoint.retry.backoff.ms', 100, 'low'),
  string('sasl.oauthbearer.jwks.endpoint.url', null, 'medium'),
  className('sasl.oauthbearer.jwt.retriever.class', 'org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever', 'medium'),
  className('sasl.oauthbearer.jwt.validator.class', 'org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator', 'medium'),
  string('sasl.oauthbearer.scope', null, 'medium'),
  string('sasl.oauthbearer.scope.claim.name', 'scope', 'low'),
  string('sasl.oauthbearer.sub.claim.name', 'sub', 'low'),
  string('sasl.oauthbearer.token.endpoint.url', null, 'medium'),
]
