import { type Bytes, sha256 } from '../bytes.ts'
import type { Claims } from './claims.ts'
import type { Evidence } from './evidence.ts'
import { readSnpReport } from './snp/report.ts'
import type { Revocable } from './stamp.ts'
import { readPlatform } from './tdx/pck.ts'
import { readQuote } from './tdx/quote.ts'
import { workloadDigest } from './workload.ts'
import { readCertificate, readPemChain } from './x509.ts'

/** The processor that evidence says it is from. */
interface Machine {
  readonly registers: readonly Bytes[]
  /** PPID or CHIP_ID. */
  readonly platform: Bytes
}

/**
 * Everything in evidence that a stamp can take back, read before anything is verified: what is revoked is refused for
 * that, whatever else is wrong with it. Parts that cannot be read name nothing; the checks that follow refuse them.
 */
export async function subjectsOf(
  evidence: Evidence,
  claims: Claims,
  named: { readonly evidence: Bytes; readonly node: Bytes },
): Promise<Revocable[]> {
  const machine = readable(() => (evidence.tee === 'tdx' ? tdxMachine(evidence.quote) : snpMachine(evidence.quote)))
  const devices = evidence.gpu.map(({ chain: [, device] }) =>
    readable(() => (device ? readCertificate(device).key.bytes : null)),
  )
  const { engine, models } = claims.workload
  const subjects: Revocable[] = [
    { kind: 'evidence', value: named.evidence },
    { kind: 'node', value: named.node },
    { kind: 'workload', value: await workloadDigest(claims.workload) },
    { kind: 'engine', value: engine.image },
    ...models.map(({ root }) => ({ kind: 'model' as const, value: root })),
  ]
  if (machine) {
    subjects.push({ kind: 'platform', value: await platformDigest(machine.platform) })
    subjects.push(...machine.registers.map((value) => ({ kind: 'measurement' as const, value })))
  }
  for (const key of devices) if (key) subjects.push({ kind: 'gpu', value: await sha256(key) })
  return subjects
}

/** How a processor is named where its id need not be shown. 32 bytes. */
export function platformDigest(id: Bytes): Promise<Bytes> {
  return sha256(id)
}

function tdxMachine(bytes: Bytes): Machine | null {
  const { report, pckChain } = readQuote(bytes)
  const [pck] = readPemChain(pckChain)
  if (!pck) return null
  return { registers: [report.mrTd, ...report.rtmr, report.mrSeam], platform: readPlatform(pck).ppid }
}

function snpMachine(bytes: Bytes): Machine {
  const { measurement, chipId } = readSnpReport(bytes)
  return { registers: [measurement], platform: chipId }
}

function readable<T>(read: () => T | null): T | null {
  try {
    return read()
  } catch {
    return null
  }
}
