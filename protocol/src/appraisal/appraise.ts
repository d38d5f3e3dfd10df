import { type Bytes, equal, hex, fromHex } from '../bytes.ts'
import { type Action, CocoonError } from '../errors.ts'
import type { VerifiedStatement } from '../statement.ts'
import { actionFor } from './action.ts'
import { bindSnp, bindTdx, snpBindingChecks, tdxBindingChecks } from './binding.ts'
import { type Claims, decodeClaims } from './claims.ts'
import type { Collateral } from './collateral.ts'
import { decodeEvidence, type Evidence, evidenceDigest, type TeeKind } from './evidence.ts'
import { type AppraisalCode, AppraisalError, type Check, ensure, inSteps, type Outcome, type Steps } from './failure.ts'
import type { Gpu } from './gpu/device.ts'
import { gpuChecks, verifyGpus } from './gpu/verify.ts'
import { CLOCK_TOLERANCE_SECONDS, type Pins } from './policy.ts'
import { registryChecks, type SignedRegistry, verifyRegistry } from './registry.ts'
import type { Blame, Step } from './result.ts'
import type { Seen } from './sequence.ts'
import { snpChecks, verifySnp } from './snp/verify.ts'
import {
  findRevoked,
  nameOf,
  type Revocable,
  type SignedStamp,
  stampChecks,
  type Standing,
  verifyStamp,
} from './stamp.ts'
import { bindStatement, statementChecks } from './statement-binding.ts'
import { platformDigest, subjectsOf } from './subjects.ts'
import { tdChecks, verifyTd } from './tdx/td.ts'
import { tdxChecks, verifyTdx } from './tdx/verify.ts'
import { iso } from './x509.ts'

/** What the owners say today, as anyone carried it here. */
export interface StandingInput {
  /** Global id of the network the client is on. */
  readonly network: number
  readonly registry: SignedRegistry
  readonly stamp: SignedStamp
  /** What `seen` of an earlier result was; null for a client that never saw any. */
  readonly seen: Seen | null
  /** The device's clock, Unix seconds. */
  readonly now: number
}

export interface AppraisalInput extends StandingInput {
  /** As fetched by the digest that the statement names. */
  readonly evidence: Bytes
  /** Of `verifyStatement`: signed by the identity key that it names. */
  readonly statement: VerifiedStatement
  readonly collateral: Collateral
}

/** What was found out about a machine; for people, and for programs to keep beside the verdict. */
export interface Found {
  readonly tee: TeeKind
  /** The reference value it measured as. */
  readonly image: string
  readonly shape: string
  readonly gpus: readonly Gpu[]
  /** Until platforms are enrolled, nobody vouches for where a machine stands. */
  readonly platform: 'owner-held hardware'
  /** SHA-256 of the processor's PPID or CHIP_ID. */
  readonly platformDigest: Bytes
  readonly claims: Claims
}

interface Common {
  /** Every check, in order, whether it was reached or not. */
  readonly steps: readonly Step[]
  /** True where roots of a development build were asked: "development machine, not private". */
  readonly developmentMachine: boolean
  /** What to keep for the next time; null when registry or stamp did not hold. */
  readonly seen: Seen | null
}
export interface PrivateAppraisal extends Common {
  readonly verdict: 'private'
  readonly code: null
  readonly action: null
  readonly blame: null
  readonly found: Found
  /** SHA-256 of the evidence. */
  readonly evidence: Bytes
  /** Unix seconds: the earliest date among evidence, collateral, registry, stamp and grace. */
  readonly expires: number
  /** What a later stamp may take back. */
  readonly subjects: readonly Revocable[]
}
export interface RefusedAppraisal extends Common {
  readonly verdict: 'refused'
  readonly code: AppraisalCode
  readonly action: Action
  readonly blame: Blame
  /** For developers; holds what was found, and no secret. */
  readonly message: string
}
export type Appraisal = PrivateAppraisal | RefusedAppraisal

const networkCheck: Check = { name: 'network', source: 'SPEC.md A6', blame: 'registry' }
export const standingChecks: readonly Check[] = [networkCheck, ...registryChecks, ...stampChecks]

const evidenceChecks: readonly Check[] = [
  { name: 'evidence.digest', source: 'SPEC.md A2', blame: 'endorsement' },
  { name: 'evidence.form', source: 'SPEC.md A2', blame: 'evidence' },
  { name: 'evidence.revocation', source: 'SPEC.md A5', blame: 'policy' },
  { name: 'evidence.kind', source: 'SPEC.md A4', blame: 'policy' },
  { name: 'claims.network', source: 'SPEC.md A1', blame: 'evidence' },
  { name: 'claims.dates', source: 'SPEC.md A1', blame: 'evidence' },
]

/** Every check of an appraisal, in order, for evidence of one kind. */
export function planFor(tee: TeeKind): readonly Check[] {
  const machine = tee === 'tdx' ? [...tdxChecks, ...tdChecks, ...tdxBindingChecks] : [...snpChecks, ...snpBindingChecks]
  return [...standingChecks, ...evidenceChecks, ...machine, ...gpuChecks, ...statementChecks]
}

/** Runs `standingChecks`: that this build serves the network, and what the owners say today. */
async function standingUnder(steps: Steps, pins: Pins, input: StandingInput): Promise<Standing> {
  const { network, registry, stamp, seen, now } = input
  await steps.run('network', (found) => {
    ensure(
      pins.networks.includes(network),
      'network-refused',
      `a ${pins.build} build does not serve network ${network}`,
    )
    found(`network ${network}, ${pins.build} build`)
  })
  const known = await verifyRegistry(steps, registry, { owners: pins.owners, network, seen })
  return verifyStamp(steps, stamp, known, { now, seen })
}

/** Registry and stamp alone, for a client that holds verdicts already. Never throws. */
export function checkStandingUnder(pins: Pins, input: StandingInput): Promise<Outcome<Standing>> {
  return inSteps(standingChecks, (steps) => standingUnder(steps, pins, input))
}

type Passed = Pick<PrivateAppraisal, 'found' | 'expires' | 'subjects' | 'evidence'>

/** Appraises under these roots. Never throws. */
export async function appraiseUnder(pins: Pins, input: AppraisalInput): Promise<Appraisal> {
  const opened = open(input.evidence)
  let seen: Seen | null = null
  const outcome = await inSteps(planFor(opened.tee), async (steps): Promise<Passed> => {
    const standing = await standingUnder(steps, pins, input)
    seen = standing.seen
    return verifyMachine(steps, pins, input, opened, standing)
  })
  const common = { steps: outcome.steps, developmentMachine: pins.build === 'development', seen }
  if (outcome.failure === null) {
    return { ...common, verdict: 'private', code: null, action: null, blame: null, ...outcome.value }
  }
  const { code, blame, message } = outcome.failure
  return { ...common, verdict: 'refused', code, action: actionFor(code, blame), blame, message }
}

interface Opened {
  /** Decides which checks are planned; `tdx` where nothing can be read. */
  readonly tee: TeeKind
  readonly read: () => { readonly evidence: Evidence; readonly claims: Claims }
}

function open(bytes: Bytes): Opened {
  try {
    const evidence = decodeEvidence(bytes)
    return { tee: evidence.tee, read: () => ({ evidence, claims: readClaims(evidence.claims) }) }
  } catch (cause) {
    return {
      tee: 'tdx',
      read: () => {
        throw unreadable('evidence-format', cause)
      },
    }
  }
}

function readClaims(bytes: Bytes): Claims {
  try {
    return decodeClaims(bytes)
  } catch (cause) {
    throw unreadable('claims-format', cause)
  }
}

function unreadable(code: AppraisalCode, cause: unknown): AppraisalError {
  return new AppraisalError(code, cause instanceof CocoonError ? cause.message : 'cannot be read', { cause })
}

async function verifyMachine(
  steps: Steps,
  pins: Pins,
  input: AppraisalInput,
  opened: Opened,
  standing: Standing,
): Promise<Passed> {
  const { statement, nodeId } = input.statement
  const { registry, time } = standing

  const digest = await steps.run('evidence.digest', async (found) => {
    const named = statement.evidence
    if (!named) throw new AppraisalError('not-attested', 'the node states no evidence')
    const actual = await evidenceDigest(input.evidence)
    ensure(equal(actual, named), 'evidence-digest', `statement names ${hex(named)}, this is ${hex(actual)}`)
    found(hex(actual))
    return actual
  })
  const { evidence, claims } = await steps.run('evidence.form', (found) => {
    const both = opened.read()
    found(`${both.evidence.tee}, ${both.evidence.gpu.length} GPUs`)
    return both
  })
  const subjects = await steps.run('evidence.revocation', async (found) => {
    const all = await subjectsOf(evidence, claims, { evidence: digest, node: fromHex(nodeId) })
    const revoked = findRevoked(standing.stamp, all)
    if (revoked) throw new AppraisalError('revoked', `revoked: ${nameOf(revoked)}`)
    found(`${all.length} things compared with ${standing.stamp.revoked.length} revoked`)
    return all
  })
  await steps.run('evidence.kind', (found) => {
    const { tee } = evidence
    ensure(registry.tees.includes(tee), 'tee-not-accepted', `the owners do not accept ${tee}`)
    ensure(input.collateral.tee === tee, 'collateral-kind', `collateral of ${input.collateral.tee} for ${tee}`)
    found(tee)
  })
  await steps.run('claims.network', () => {
    const elsewhere = `claims for network ${claims.network}, not ${input.network}`
    ensure(claims.network === input.network, 'claims-network', elsewhere)
  })
  await steps.run('claims.dates', (found) => {
    const { notBefore, notAfter } = claims
    ensure(time + CLOCK_TOLERANCE_SECONDS >= notBefore, 'claims-not-yet-valid', `claims from ${iso(notBefore)}`)
    ensure(time <= notAfter, 'claims-expired', `claims ended ${iso(notAfter)}, and it is ${iso(time)} here`)
    found(`until ${iso(notAfter)}`)
  })

  const machine =
    input.collateral.tee === 'tdx'
      ? await verifyTdxMachine(steps, pins, { ...input.collateral, evidence, claims, standing })
      : await verifySnpMachine(steps, pins, { ...input.collateral, evidence, claims, standing })
  const { gpus, expires } = await verifyGpus(steps, {
    claims,
    gpus: evidence.gpu,
    expected: machine.reference.gpus,
    root: pins.nvidiaRoot,
    now: time,
  })
  await bindStatement(steps, statement, claims)

  const { image, shape } = machine.reference
  return {
    evidence: digest,
    subjects,
    expires: Math.min(standing.expires, claims.notAfter, machine.expires, expires),
    found: {
      tee: evidence.tee,
      image,
      shape,
      gpus,
      platform: 'owner-held hardware',
      platformDigest: await platformDigest(machine.platform),
      claims,
    },
  }
}

interface MachineInput {
  readonly evidence: Evidence
  readonly claims: Claims
  readonly standing: Standing
}

async function verifyTdxMachine(
  steps: Steps,
  pins: Pins,
  { tdx, evidence, claims, standing }: MachineInput & Extract<Collateral, { tee: 'tdx' }>,
) {
  const { registry, time } = standing
  const { report, platform, expires } = await verifyTdx(steps, {
    quote: evidence.quote,
    collateral: tdx,
    root: pins.intelRoot,
    now: time,
    minimumEvaluation: registry.tdx.evaluation,
    grace: registry.tdx.grace,
  })
  await verifyTd(steps, report)
  const reference = await bindTdx(steps, report, { claims, encoded: evidence.claims, registry })
  return { reference, platform: platform.ppid, expires }
}

async function verifySnpMachine(
  steps: Steps,
  pins: Pins,
  { snp, evidence, claims, standing }: MachineInput & Extract<Collateral, { tee: 'sev-snp' }>,
) {
  const { registry, time } = standing
  const { report, expires } = await verifySnp(steps, {
    report: evidence.quote,
    collateral: snp,
    roots: pins.amdRoots,
    now: time,
    least: registry.snp,
  })
  const reference = await bindSnp(steps, report, { claims, encoded: evidence.claims, registry })
  return { reference, platform: report.chipId, expires }
}

/**
 * The same machine under a newer statement: runs step 13 again and nothing else. For verdicts from the cache, whose
 * time and revocation `recall` has checked.
 */
export async function confirm(appraisal: PrivateAppraisal, { statement }: VerifiedStatement): Promise<Appraisal> {
  const kept = appraisal.steps.slice(0, appraisal.steps.length - statementChecks.length)
  const outcome = await inSteps(statementChecks, async (steps) => {
    await bindStatement(steps, statement, appraisal.found.claims)
  })
  const steps = [...kept, ...outcome.steps]
  if (outcome.failure === null) return { ...appraisal, steps }
  const { code, blame, message } = outcome.failure
  const { developmentMachine, seen } = appraisal
  return { verdict: 'refused', code, action: actionFor(code, blame), blame, message, steps, developmentMachine, seen }
}
