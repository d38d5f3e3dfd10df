import type { Registry, Stamp } from '@cocoon/protocol/appraisal'
import type { RegistryPlan } from '../registry.ts'
import type { ScenePlan } from '../scene.ts'
import { flip, type Switch, type Switches } from './switch.ts'

const DAY = 86_400
const HOUR = 3600
/** What a device's clock may be behind by. */
const TOLERANCE = 2 * HOUR

const registry = (
  rule: string,
  breaks: (plan: RegistryPlan, scene: ScenePlan) => unknown,
  keeps?: (plan: RegistryPlan, scene: ScenePlan) => unknown,
): Switch => ({
  rule,
  breaks: (scene) => breaks(scene.registry, scene),
  ...(keeps ? { keeps: (scene: ScenePlan) => keeps(scene.registry, scene) } : {}),
})
const statement = (
  rule: string,
  breaks: (content: Registry, scene: ScenePlan) => unknown,
  keeps?: (content: Registry, scene: ScenePlan) => unknown,
): Switch =>
  registry(rule, (plan, scene) => breaks(plan.registry, scene), keeps && ((plan, scene) => keeps(plan.registry, scene)))
const stamp = (
  rule: string,
  breaks: (content: RegistryPlan['stamp'], scene: ScenePlan) => unknown,
  keeps?: (content: RegistryPlan['stamp'], scene: ScenePlan) => unknown,
): Switch =>
  registry(rule, (plan, scene) => breaks(plan.stamp, scene), keeps && ((plan, scene) => keeps(plan.stamp, scene)))

const OTHER = new Uint8Array(32)
/** The device saw a registry statement so many numbers away from this one. */
const sawRegistry = (by: number, digest: Uint8Array<ArrayBuffer> | null) => (scene: ScenePlan) => {
  const { sequence } = scene.registry.registry
  scene.seen = {
    registry: { sequence: sequence + by, digest },
    stamp: { sequence: scene.registry.stamp.sequence, digest: null },
  }
}
/** Under this very registry statement, the device saw a stamp so many numbers away from this one. */
const sawStamp = (by: number, digest: Uint8Array<ArrayBuffer> | null) => (scene: ScenePlan) => {
  const { sequence } = scene.registry.stamp
  scene.seen = {
    registry: { sequence: scene.registry.registry.sequence, digest: null },
    stamp: { sequence: sequence + by, digest },
  }
}

/** The registry statement, its owners, and that nobody goes back. */
export const registrySwitches = {
  'registry-other-network': statement('a registry of this network', (content) => (content.network = -3)),
  'registry-no-owner': registry(
    'signed by owners',
    (plan) => (plan.owners = ['strangerEd25519', 'stamp']),
    (plan) => (plan.owners = ['strangerEd25519', 'owner2', 'owner0']),
  ),
  'registry-unsigned': registry('signed by owners', (plan) => (plan.owners = [])),
  'registry-one-owner': registry(
    'signed by two owners',
    (plan) => (plan.owners = ['owner0']),
    (plan) => (plan.owners = ['owner0', 'owner1', 'owner2']),
  ),
  'registry-one-owner-twice': registry('signed by two owners', (plan) => (plan.owners = ['owner0', 'owner0'])),
  'registry-forged': registry('the bytes that owners signed', (plan) => (plan.tamper = (body) => flip(body, 40))),
  'registry-malformed': registry('a registry statement', (plan) => Reflect.deleteProperty(plan.registry, 'tdx')),
  'registry-rolled-back': {
    rule: 'a registry that never goes back',
    breaks: sawRegistry(1, OTHER),
    keeps: sawRegistry(-1, OTHER),
  },
  'registry-forked': {
    rule: 'one registry of each number',
    breaks: sawRegistry(0, OTHER),
    keeps: sawRegistry(0, null),
  },
  'registry-expired': statement(
    'a registry of today',
    (content, { now }) => (content.expires = now - 1),
    (content, { now }) => (content.expires = now),
  ),
  'registry-not-yet-valid': statement(
    'a registry of today',
    (content, { now }) => (content.issued = now + TOLERANCE + 1),
    (content, { now }) => (content.issued = now + TOLERANCE),
  ),
  'registry-too-long': statement(
    'renewed within 400 days',
    (content) => (content.expires = content.issued + 400 * DAY + 1),
    (content) => (content.expires = content.issued + 400 * DAY),
  ),
  'tee-not-accepted': statement('an accepted kind of machine', (content) => (content.tees = ['sev-snp'])),
  'engine-unlisted': statement('a listed engine', ({ engines: [engine] }) => engine && flip(engine.image)),
  'engine-arguments': statement('listed arguments', ({ engines: [engine] }) => engine?.arguments.push('--verbose')),
  'model-unlisted': statement('a listed model', ({ models: [model] }) => model && flip(model.root)),
  'model-name': statement('a model under its name', ({ models: [model] }) => model && (model.model = 'cocoon-large')),
  'policy-unlisted': statement('a listed policy', ({ policies: [policy] }) => policy && flip(policy)),
} as const satisfies Switches

/** The stamp: its key, its dates, and that it never goes back. */
export const stampSwitches = {
  'stamp-signer': registry('signed by the stamp key', (plan) => (plan.stampSignedBy = 'owner0')),
  'stamp-other-network': stamp('a stamp of this network', (content) => (content.network = -3)),
  'stamp-other-registry': stamp('a stamp for this registry', (content) => (content.registry = new Uint8Array(32))),
  'stamp-malformed': stamp('a stamp', (content) => Reflect.deleteProperty(content, 'revoked')),
  'stamp-too-long': stamp('48 hours at most', (content) => (content.expires = content.issued + 48 * HOUR + 1)),
  'stamp-stale': stamp(
    'a stamp of the last two days',
    (content, { now }) => Object.assign(content, { issued: now - 48 * HOUR - 1, expires: now - 1 }),
    (content, { now }) => Object.assign(content, { issued: now - 48 * HOUR, expires: now }),
  ),
  'stamp-rolled-back': {
    rule: 'a stamp that never goes back',
    breaks: sawStamp(1, OTHER),
    keeps: sawStamp(-1, OTHER),
  },
  'stamp-forked': { rule: 'one stamp of each number', breaks: sawStamp(0, OTHER), keeps: sawStamp(0, null) },
  'clock-behind': stamp(
    'a clock that is not far behind',
    (content, { now }) => dated(content, now + TOLERANCE + 1),
    (content, { now }) => dated(content, now + TOLERANCE),
  ),
} as const satisfies Switches

function dated(content: Pick<Stamp, 'issued' | 'expires'>, issued: number): void {
  Object.assign(content, { issued, expires: issued + 24 * HOUR })
}
