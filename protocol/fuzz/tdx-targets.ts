import { bindTdx, tdxBindingChecks } from '../src/appraisal/binding.ts'
import { Steps } from '../src/appraisal/failure.ts'
import { pins } from '../src/appraisal/pins/development.ts'
import type { TdxCollateral } from '../src/appraisal/tdx/collateral.ts'
import { tdChecks, verifyTd } from '../src/appraisal/tdx/td.ts'
import { tdxChecks, verifyTdx } from '../src/appraisal/tdx/verify.ts'
import { type Bytes, utf8 } from '../src/index.ts'
import { latin1, type Machine, NOW } from './machine.ts'
import { hexEssence, layOut, pemEssence, pemRegions, tailEssence, twinsOf, wholeEssence } from './region.ts'
import type { Target } from './target.ts'

const tdxOf = ({ collateral }: Machine): TdxCollateral => {
  if (collateral.tee !== 'tdx') throw new TypeError('not of TDX')
  return collateral.tdx
}

/** Steps 1 to 11 for TDX. */
export async function checkTdx(
  machine: Machine,
  change: { quote?: Bytes; collateral?: Partial<TdxCollateral> },
): Promise<void> {
  const steps = new Steps([...tdxChecks, ...tdChecks, ...tdxBindingChecks])
  const { registry } = machine.scene.registry
  const { report } = await verifyTdx(steps, {
    quote: change.quote ?? machine.evidence.quote,
    collateral: { ...tdxOf(machine), ...change.collateral },
    root: pins.intelRoot,
    now: NOW,
    minimumEvaluation: registry.tdx.evaluation,
    grace: registry.tdx.grace,
  })
  await verifyTd(steps, report)
  await bindTdx(steps, report, { claims: machine.claims, encoded: machine.evidence.claims, registry })
}

const QUOTE_V4 = [
  ['header', 48, 'attestation key'],
  ['body', 584, 'attestation key'],
] as const
const QUOTE_V5 = [
  ['header', 48, 'attestation key'],
  ['body type and length', 6, 'attestation key'],
  ['body', 648, 'attestation key'],
] as const
const SIGNATURE_DATA = [
  ['signature data length', 4, 'exact lengths'],
  ['signature', 64, 'itself'],
  ['attestation key', 64, 'quoting enclave'],
  ['certification data head', 6, 'exact lengths'],
  ['QE report', 384, 'PCK'],
  ['QE report signature', 64, 'itself'],
  ['authentication data length', 2, 'exact lengths'],
  ['authentication data', 32, 'quoting enclave'],
  ['certificates head', 6, 'exact lengths'],
] as const

function quoteTarget(
  name: string,
  signed: typeof QUOTE_V4 | typeof QUOTE_V5,
  machine: Machine,
  other: Machine,
): Target {
  const bytes = machine.evidence.quote
  const head = [...signed, ...SIGNATURE_DATA]
  const start = head.reduce((sum, [, length]) => sum + length, 0)
  return {
    name,
    bytes,
    other: other.evidence.quote,
    regions: [...layOut(bytes.subarray(0, start), head), ...pemRegions(bytes, start)],
    // Only the leaf names the machine.
    essence: tailEssence(start, twinsOf(bytes, other.evidence.quote, 1)),
    check: (quote) => checkTdx(machine, { quote }),
  }
}

/** Text of Intel's that travels beside a quote. */
function textTargets(machine: Machine, other: Machine): Target[] {
  const [ours, theirs] = [tdxOf(machine), tdxOf(other)]
  const fields = [
    ['tcbInfo', 'json', 'TCB signer'],
    ['tcbInfoSignature', 'hex', 'itself'],
    ['tcbInfoChain', 'pem', ''],
    ['qeIdentity', 'json', 'TCB signer'],
    ['qeIdentitySignature', 'hex', 'itself'],
    ['qeIdentityChain', 'pem', ''],
  ] as const
  return fields.map(([field, kind, by]) => {
    const [bytes, foreign] = [utf8(ours[field]), utf8(theirs[field])]
    const pem = (chain: Bytes) => pemEssence(chain, twinsOf(bytes, foreign, 0))
    return {
      name: `collateral ${field}`,
      bytes,
      other: foreign,
      regions: kind === 'pem' ? pemRegions(bytes) : layOut(bytes, [[field, 0, by]]),
      essence: { json: wholeEssence, hex: hexEssence, pem }[kind],
      check: (changed) => checkTdx(machine, { collateral: { [field]: latin1(changed) } }),
    }
  })
}

function listTargets(machine: Machine, other: Machine): Target[] {
  return (['rootCrl', 'pckCrl'] as const).map((field) => ({
    name: `collateral ${field}`,
    bytes: tdxOf(machine)[field],
    other: tdxOf(other)[field],
    regions: layOut(tdxOf(machine)[field], [['list', 0, 'its issuer']]),
    essence: wholeEssence,
    check: (changed) => checkTdx(machine, { collateral: { [field]: changed } }),
  }))
}

/** Quotes of either version, and everything of Intel's beside them. */
export function tdxTargets([v4, other]: readonly [Machine, Machine], newer: readonly [Machine, Machine]): Target[] {
  return [
    quoteTarget('quote v4', QUOTE_V4, v4, other),
    quoteTarget('quote v5', QUOTE_V5, ...newer),
    ...textTargets(v4, other),
    ...listTargets(v4, other),
  ]
}
