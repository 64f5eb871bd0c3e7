import { hasEligibleLeaderReplicas, METADATA_VERSION_MIN, metadataVersionName, metadataVersions } from '../../metadata/metadata-version.ts'
import { ELR_VERSION, METADATA_VERSION } from '../../metadata/supported-features.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ControllerRequest, ControllerResponse, RequestContext } from '../commands.ts'
import { done, isRefused, type Outcome, refused } from '../outcome.ts'
import { addMinIsrOfAllBrokers } from '../configs/min-isr.ts'
import type { ControllerState, RecordBatch } from '../state.ts'

type Request = ControllerRequest<'updateFeatures'>
type Response = ControllerResponse<'updateFeatures'>
type Update = Request['featureUpdates'][number]

const UPGRADE = 1
const SAFE_DOWNGRADE = 2
const UNSAFE_DOWNGRADE = 3
const KRAFT_VERSION = 'kraft.version'

/** UpdateFeatures (57) v0–2, FeatureControlManager. All features of a request or none. */
export function updateFeatures(state: ControllerState, request: Request, context: RequestContext, out: RecordBatch): Response {
  const named = request.featureUpdates.map((update) => update.feature)
  if (new Set(named).size !== named.length) return failed(refused('INVALID_REQUEST', 'A feature is named more than once.'))
  for (const update of request.featureUpdates) {
    const outcome = check(state, update, upgradeTypeOf(update, context))
    if (isRefused(outcome)) {
      const message = `The update failed for all features since the following feature had an error: ${outcome.errorMessage}`
      return failed({ ...outcome, errorMessage: message })
    }
  }
  const refusal = checkElr(state, request)
  if (isRefused(refusal)) return failed(refusal)
  for (const { feature, maxVersionLevel } of request.validateOnly ? [] : request.featureUpdates) {
    if (levelOf(state, feature) === maxVersionLevel) continue
    out.add('featureLevel', { name: feature, featureLevel: maxVersionLevel })
    if (feature === ELR_VERSION) followElr(state, maxVersionLevel, out)
  }
  const results = context.version <= 1 ? named.map((feature) => ({ feature, errorCode: ErrorCode.NONE, errorMessage: null })) : []
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, results }
}

function failed(outcome: Outcome): Response {
  return { throttleTimeMs: 0, ...outcome, results: [] }
}

function upgradeTypeOf(update: Update, context: RequestContext): number {
  if (context.version > 0) return update.upgradeType
  return update.allowDowngrade ? SAFE_DOWNGRADE : UPGRADE
}

function levelOf(state: ControllerState, feature: string): number {
  return feature === METADATA_VERSION ? state.image.metadataVersion : state.image.features.level(feature)
}

function check(state: ControllerState, { feature, maxVersionLevel: wanted }: Update, upgradeType: number): Outcome {
  const invalid = (why: string): Outcome =>
    refused('INVALID_UPDATE_VERSION', `Invalid update version ${wanted} for feature ${feature}. ${why}`)
  if (![UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE].includes(upgradeType)) {
    return refused('INVALID_REQUEST', 'The controller does not support the given upgrade type.')
  }
  if (wanted < 0) return invalid('A feature version cannot be less than 0.')
  const current = levelOf(state, feature)
  if (feature === KRAFT_VERSION && wanted < current) return invalid("Can't downgrade the version of this feature.")
  const unsupported = whoCannot(state, feature, wanted)
  if (unsupported !== null) return invalid(unsupported)
  if (wanted < current && upgradeType === UPGRADE) {
    return invalid("Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.")
  }
  if (wanted > current && upgradeType !== UPGRADE) return invalid("Can't downgrade to a newer version.")
  return feature === METADATA_VERSION && wanted < current ? checkMetadataDowngrade(current, wanted, upgradeType) : done
}

/** Eligible leader replicas need records that can name them, and cannot be given up where nobody else can lead. */
function checkElr(state: ControllerState, { featureUpdates }: Request): Outcome {
  const levelAfter = (name: string): number =>
    featureUpdates.find(({ feature }) => feature === name)?.maxVersionLevel ?? levelOf(state, name)
  const wanted = levelAfter(ELR_VERSION)
  const current = levelOf(state, ELR_VERSION)
  if (wanted > 0 && !hasEligibleLeaderReplicas(levelAfter(METADATA_VERSION))) {
    return refused('INVALID_UPDATE_VERSION', `${ELR_VERSION} could not be set to ${wanted} because it depends on metadata.version 4.0-IV1.`)
  }
  if (wanted >= current) return done
  for (const { topicId, partition } of state.index.leaderless.all()) {
    if (state.image.partition(topicId, partition)?.isr.length !== 0) continue
    const name = `${state.image.topics.byId(topicId)?.name ?? topicId}-${partition}`
    return refused('INVALID_UPDATE_VERSION', `${ELR_VERSION} cannot be lowered while ${name} has no in-sync replica.`)
  }
  return done
}

/** What comes with a new level: one `min.insync.replicas` for all, or the end of what was eligible. */
function followElr(state: ControllerState, level: number, out: RecordBatch): void {
  if (level > 0) addMinIsrOfAllBrokers(state, out)
  else out.add('clearElr', { topicName: '' })
}

/** Records may say what older ones cannot: a downgrade across such a change would lose it. */
function checkMetadataDowngrade(current: number, wanted: number, upgradeType: number): Outcome {
  const between = metadataVersions.filter(({ level }) => level > wanted && level <= current)
  if (!between.some(({ recordsChanged }) => recordsChanged)) return done
  const why =
    upgradeType === UNSAFE_DOWNGRADE
      ? 'Unsafe metadata downgrade is not supported in this version.'
      : 'Refusing to perform the requested downgrade because it might delete metadata information.'
  const names = `from ${metadataVersionName(current)} to ${metadataVersionName(wanted)}`
  return refused('INVALID_UPDATE_VERSION', `Unsupported metadata.version downgrade ${names}. ${why}`)
}

/** The first node of the cluster that could not work at the level; null when all can. */
function whoCannot(state: ControllerState, feature: string, wanted: number): string | null {
  const own = state.settings.supportedFeatures.find(({ name }) => name === feature)
  const mine = problemWith(`Local controller ${state.settings.nodeId}`, own === undefined ? undefined : [own.min, own.max], feature, wanted)
  if (mine !== null) return mine
  for (const [kind, nodes] of [
    ['Broker', state.image.brokers.all()],
    ['Controller', state.image.controllers.all()],
  ] as const) {
    for (const { id, features } of nodes) {
      const found = features.find(({ name }) => name === feature)
      const range: Range | undefined = found === undefined ? undefined : [found.minSupportedVersion, found.maxSupportedVersion]
      const problem = problemWith(`${kind} ${id}`, range, feature, wanted)
      if (problem !== null) return problem
    }
  }
  return null
}

type Range = readonly [min: number, max: number]

function problemWith(who: string, range: Range | undefined, feature: string, wanted: number): string | null {
  // Level 0 of anything but metadata.version is its absence, which everybody supports
  if (wanted === 0 && feature !== METADATA_VERSION) return null
  if (range === undefined || range[1] === 0) return `${who} does not support this feature.`
  const min = feature === METADATA_VERSION ? Math.max(range[0], METADATA_VERSION_MIN) : range[0]
  return wanted < min || wanted > range[1] ? `${who} only supports versions ${min}-${range[1]}` : null
}
