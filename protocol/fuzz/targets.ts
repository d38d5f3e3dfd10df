import { developmentSigner } from '../../localnet/src/tee/index.ts'
import { appraiseUnder } from '../src/appraisal/appraise.ts'
import { bindSnp, snpBindingChecks } from '../src/appraisal/binding.ts'
import { decodeEvidence, encodeEvidence, evidenceDigest, gpuEvidenceDigest } from '../src/appraisal/evidence.ts'
import { AppraisalError, Steps } from '../src/appraisal/failure.ts'
import { gpuChecks, verifyGpus } from '../src/appraisal/gpu/verify.ts'
import { pins } from '../src/appraisal/pins/development.ts'
import { registryChecks, type SignedRegistry, verifyRegistry } from '../src/appraisal/registry.ts'
import { snpChecks, verifySnp } from '../src/appraisal/snp/verify.ts'
import { type SignedStamp, stampChecks, verifyStamp } from '../src/appraisal/stamp.ts'
import { type Bytes, signStatement, utf8, verifyStatement } from '../src/index.ts'
import { latin1, type Machine, NOW, pairOf } from './machine.ts'
import { layOut, pemEssence, pemRegions, twinsOf, wholeEssence } from './region.ts'
import type { Target } from './target.ts'
import { checkTdx, tdxTargets } from './tdx-targets.ts'

async function snpTargets(): Promise<Target[]> {
  const [machine, other] = await pairOf('snp')
  const { collateral, evidence } = machine
  if (collateral.tee !== 'sev-snp' || other.collateral.tee !== 'sev-snp') throw new TypeError('not of SEV-SNP')
  const [ours, theirs] = [collateral.snp, other.collateral.snp]
  const check = async (report: Bytes, change: Partial<typeof ours>) => {
    const steps = new Steps([...snpChecks, ...snpBindingChecks])
    const { registry } = machine.scene.registry
    const verdict = await verifySnp(steps, {
      report,
      collateral: { ...ours, ...change },
      roots: pins.amdRoots,
      now: NOW,
      least: registry.snp,
    })
    await bindSnp(steps, verdict.report, { claims: machine.claims, encoded: evidence.claims, registry })
  }
  const whole = (name: string, bytes: Bytes, by: string) => layOut(bytes, [[name, 0, by]])
  return [
    {
      name: 'SNP report',
      bytes: evidence.quote,
      other: other.evidence.quote,
      regions: layOut(evidence.quote, [
        ['report', 0x2a0, 'VCEK'],
        ['signature', 512, 'itself'],
      ]),
      essence: wholeEssence,
      check: (report) => check(report, {}),
    },
    {
      name: 'SNP certificate',
      bytes: ours.vcek,
      other: theirs.vcek,
      regions: whole('certificate', ours.vcek, 'SEV key'),
      essence: wholeEssence,
      check: (vcek) => check(evidence.quote, { vcek }),
    },
    {
      name: 'SNP chain',
      bytes: utf8(ours.chain),
      other: utf8(theirs.chain),
      regions: pemRegions(utf8(ours.chain)),
      essence: (chain) => pemEssence(chain, twinsOf(utf8(ours.chain), utf8(theirs.chain), 0)),
      check: (chain) => check(evidence.quote, { chain: latin1(chain) }),
    },
    {
      name: 'SNP revocation list',
      bytes: ours.crl,
      other: theirs.crl,
      regions: whole('list', ours.crl, 'root key'),
      essence: wholeEssence,
      check: (crl) => check(evidence.quote, { crl }),
    },
  ]
}

/** GPU evidence as a compromised node would present it: the claims always name what is shown. */
async function gpuTargets(base: 'tdx' | 'blackwell'): Promise<Target[]> {
  const [machine, other] = await pairOf(base)
  const [[ours], [theirs]] = [machine.evidence.gpu, other.evidence.gpu]
  if (!ours || !theirs) throw new TypeError('no GPU')
  const check = async (changed: typeof ours) => {
    const claims = { ...machine.claims, gpu: [await gpuEvidenceDigest(changed)] }
    await verifyGpus(new Steps(gpuChecks), { claims, gpus: [changed], expected: 1, root: pins.nvidiaRoot, now: NOW })
  }
  const name = base === 'tdx' ? 'Hopper' : 'Blackwell'
  const signed = ours.report.length - 96
  return [
    {
      name: `${name} report`,
      bytes: ours.report,
      other: theirs.report,
      regions: layOut(ours.report, [
        ['request', 37, 'attestation key'],
        ['response', signed - 37, 'attestation key'],
        ['signature', 96, 'itself'],
      ]),
      essence: wholeEssence,
      check: (report) => check({ ...ours, report }),
    },
    ...ours.chain.map((certificate, i) => ({
      name: `${name} certificate ${i}`,
      bytes: certificate,
      other: theirs.chain[i] ?? certificate,
      regions: layOut(certificate, [['certificate', 0, 'its issuer']]),
      essence: wholeEssence,
      check: (changed: Bytes) => check({ ...ours, chain: ours.chain.with(i, changed) }),
    })),
  ]
}

function ownerTargets(machine: Machine, other: Machine): Target[] {
  const { registry, stamp } = machine
  const check = async (change: { registry?: SignedRegistry; stamp?: SignedStamp }) => {
    const steps = new Steps([...registryChecks, ...stampChecks])
    const trust = { owners: pins.owners, network: machine.scene.network, seen: null }
    const known = await verifyRegistry(steps, change.registry ?? registry, trust)
    await verifyStamp(steps, change.stamp ?? stamp, known, { now: NOW, seen: null })
  }
  const whole = (bytes: Bytes, by: string) => ({ regions: layOut(bytes, [['all', 0, by]]), essence: wholeEssence })
  const [first, second] = registry.signatures
  const [theirs] = other.registry.signatures
  if (!first || !second || !theirs) throw new TypeError('two owners sign')
  return [
    {
      name: 'registry statement',
      bytes: registry.body,
      other: other.registry.body,
      ...whole(registry.body, 'owners'),
      check: (body) => check({ registry: { ...registry, body } }),
    },
    {
      name: 'registry signature',
      bytes: first.signature,
      other: theirs.signature,
      ...whole(first.signature, 'itself'),
      check: (signature) => check({ registry: { ...registry, signatures: [{ ...first, signature }, second] } }),
    },
    {
      name: 'registry owner',
      bytes: first.key,
      other: second.key,
      ...whole(first.key, 'pins'),
      check: (key) => check({ registry: { ...registry, signatures: [{ ...first, key }, second] } }),
    },
    {
      name: 'stamp',
      bytes: stamp.body,
      other: other.stamp.body,
      ...whole(stamp.body, 'stamp key'),
      check: (body) => check({ stamp: { ...stamp, body } }),
    },
    {
      name: 'stamp signature',
      bytes: stamp.signature,
      other: other.stamp.signature,
      ...whole(stamp.signature, 'itself'),
      check: (signature) => check({ stamp: { ...stamp, signature } }),
    },
  ]
}

/** The whole appraisal, for what decides which checks there are. The statement always names what is shown. */
function wholeTargets(machine: Machine, other: Machine): Target[] {
  const { scene, evidence, collateral, registry, stamp } = machine
  const check = async (bytes: Bytes) => {
    const named = { ...scene.statement, evidence: await evidenceDigest(bytes) }
    const signed = await signStatement(named, await developmentSigner('identity'))
    const appraisal = await appraiseUnder(pins, {
      network: scene.network,
      now: NOW,
      seen: null,
      registry,
      stamp,
      evidence: bytes,
      collateral,
      statement: await verifyStatement(signed, scene.network),
    })
    if (appraisal.verdict === 'private') return
    const failed = appraisal.steps.filter(({ status }) => status === 'failed')
    if (failed.length !== 1) throw new Error(`${failed.length} failed checks`)
    // An appraisal does not tell what made it `malformed`; the part it came from does.
    if (appraisal.code === 'malformed') await checkTdx(machine, { quote: decodeEvidence(bytes).quote })
    throw new AppraisalError(appraisal.code, appraisal.message, { blame: appraisal.blame })
  }
  const [bytes, foreign] = [encodeEvidence(evidence), encodeEvidence(other.evidence)]
  const at = latin1(bytes).indexOf('-----BEGIN')
  const end = latin1(bytes).lastIndexOf('-----\n') + 6
  const free = pemRegions(bytes.subarray(0, end), at)
  const twins = twinsOf(bytes, foreign, 1)
  return [
    {
      name: 'evidence',
      bytes,
      other: foreign,
      regions: [
        { name: 'claims and quote', from: 0, to: at, by: 'attestation key' },
        ...free,
        { name: 'the rest', from: end, to: bytes.length, by: 'encoding' },
      ],
      essence: (changed) =>
        latin1(changed.subarray(0, at)) + pemEssence(changed.subarray(at, end), twins) + latin1(changed.subarray(end)),
      check,
    },
    {
      name: 'claims',
      bytes: evidence.claims,
      other: other.evidence.claims,
      regions: layOut(evidence.claims, [['claims', 0, 'report data']]),
      essence: wholeEssence,
      check: (claims) => check(encodeEvidence({ ...evidence, claims })),
    },
  ]
}

/** Every target. Machines without GPUs where GPUs are not looked at: their checks cost most. */
export async function makeTargets(): Promise<Target[]> {
  const machines = await pairOf('no-gpu')
  return [
    ...tdxTargets(machines, await pairOf('tdx-1.5')),
    ...ownerTargets(...machines),
    ...wholeTargets(...machines),
    ...(await snpTargets()),
    ...(await gpuTargets('tdx')),
    ...(await gpuTargets('blackwell')),
  ]
}
