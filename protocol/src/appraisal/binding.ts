import { type Bytes, equal, hex } from '../bytes.ts'
import { type Claims, reportData } from './claims.ts'
import { type AppraisalCode, AppraisalError, type Check, ensure, type Steps } from './failure.ts'
import type { Reference, Registry } from './registry.ts'
import type { SnpReport } from './snp/report.ts'
import type { TdReport } from './tdx/quote.ts'
import { type Workload, workloadRegister } from './workload.ts'

const step = (name: string, source: string): Check => ({ name, source, blame: 'evidence' })
const workloadChecks = [
  step('workload.engine', 'SPEC.md A3'),
  step('workload.models', 'SPEC.md A3'),
  step('workload.policy', 'SPEC.md A3'),
]

/** Step 11 of the checklist: that the machine booted what the owners list, and runs what it claims. */
export const tdxBindingChecks: readonly Check[] = [
  step('claims.report-data', 'SPEC.md A1'),
  step('reference.measurements', 'SPEC.md A4'),
  step('reference.owner-fields', 'SPEC.md A4'),
  step('workload.register', 'SPEC.md A3'),
  ...workloadChecks,
]
/** SEV-SNP has no runtime register: the measured image itself makes the claims that name the workload. */
export const snpBindingChecks: readonly Check[] = [
  step('claims.report-data', 'SPEC.md A1'),
  step('reference.measurements', 'SPEC.md A4'),
  step('reference.owner-fields', 'SPEC.md A4'),
  ...workloadChecks,
]

interface Bound {
  readonly claims: Claims
  /** As the evidence carries them. */
  readonly encoded: Bytes
  readonly registry: Registry
}

/** Runs `tdxBindingChecks`. Returns the reference value that the machine is. */
export async function bindTdx(steps: Steps, report: TdReport, bound: Bound): Promise<Reference> {
  const { claims, registry } = bound
  await checkReportData(steps, report.reportData, bound.encoded)
  const reference = await steps.run('reference.measurements', (found) => {
    const [rtmr0, rtmr1, rtmr2] = report.rtmr
    const matching = registry.references.filter(
      (one) =>
        one.tee === 'tdx' &&
        equal(one.mrtd, report.mrTd) &&
        equal(one.rtmrs[0], rtmr0) &&
        equal(one.rtmrs[1], rtmr1) &&
        equal(one.rtmrs[2], rtmr2),
    )
    return choose(matching, claims, `MRTD ${short(report.mrTd)}, RTMR0 ${short(rtmr0)}`, found)
  })
  await steps.run('reference.owner-fields', () => {
    const { configIds, owners, ownerConfigs } = registry.tdx
    checkOwnerField('MRCONFIGID', report.mrConfigId, configIds, 'td-config-id')
    checkOwnerField('MROWNER', report.mrOwner, owners, 'td-owner')
    checkOwnerField('MROWNERCONFIG', report.mrOwnerConfig, ownerConfigs, 'td-owner-config')
  })
  await steps.run('workload.register', async (found) => {
    const [expected, register] = [await workloadRegister(claims.workload), report.rtmr[3]]
    const differs = `RTMR3 is ${short(register)}; the claimed workload alone makes ${short(expected)}`
    ensure(equal(register, expected), 'workload-register', differs)
    found(`RTMR3 ${short(register)}`)
  })
  await checkWorkload(steps, claims.workload, registry)
  return reference
}

/** Runs `snpBindingChecks`. Returns the reference value that the machine is. */
export async function bindSnp(steps: Steps, report: SnpReport, bound: Bound): Promise<Reference> {
  const { claims, registry } = bound
  await checkReportData(steps, report.reportData, bound.encoded)
  const reference = await steps.run('reference.measurements', (found) => {
    const matching = registry.references.filter(
      (one) => one.tee === 'sev-snp' && equal(one.measurement, report.measurement),
    )
    return choose(matching, claims, `measurement ${short(report.measurement)}`, found)
  })
  await steps.run('reference.owner-fields', () => {
    checkOwnerField('HOST_DATA', report.hostData, [], 'snp-host-data')
  })
  await checkWorkload(steps, claims.workload, registry)
  return reference
}

function checkReportData(steps: Steps, stated: Bytes, claims: Bytes): Promise<void> {
  return steps.run('claims.report-data', async () => {
    ensure(equal(stated, await reportData(claims)), 'report-data', 'the hardware signed other claims than these')
  })
}

/** Shapes may measure alike and differ in GPUs; the one with as many as claimed is meant. */
function choose(
  matching: readonly Reference[],
  claims: Claims,
  measured: string,
  found: (detail: string) => void,
): Reference {
  const reference = matching.find(({ gpus }) => gpus === claims.gpu.length) ?? matching[0]
  if (!reference) throw new AppraisalError('measurement-unlisted', `${measured} is no image that the owners list`)
  found(`${reference.image} on ${reference.shape}`)
  return reference
}

function checkOwnerField(name: string, value: Bytes, listed: readonly Bytes[], code: AppraisalCode): void {
  const accepted = value.every((byte) => byte === 0) || listed.some((one) => equal(one, value))
  ensure(accepted, code, `${name} is ${short(value)}, neither zero nor listed`)
}

async function checkWorkload(steps: Steps, workload: Workload, registry: Registry): Promise<void> {
  await steps.run('workload.engine', (found) => {
    const { image, arguments: given } = workload.engine
    const same = (listed: readonly string[]): boolean =>
      listed.length === given.length && listed.every((argument, i) => argument === given[i])
    const listed = registry.engines.some((engine) => equal(engine.image, image) && same(engine.arguments))
    ensure(listed, 'workload-engine', `engine ${short(image)} with its ${given.length} arguments is not listed`)
    found(`engine ${short(image)}`)
  })
  await steps.run('workload.models', (found) => {
    for (const { model, root } of workload.models) {
      const listed = registry.models.some((one) => one.model === model && equal(one.root, root))
      ensure(listed, 'workload-model', `${model} with the root ${short(root)} is not listed`)
    }
    found(workload.models.map(({ model }) => model).join(', '))
  })
  await steps.run('workload.policy', (found) => {
    const listed = registry.policies.some((policy) => equal(policy, workload.policy))
    ensure(listed, 'workload-policy', `policy ${short(workload.policy)} is not listed`)
    found(`policy ${short(workload.policy)}`)
  })
}

const short = (bytes: Bytes): string => hex(bytes.subarray(0, 8))
