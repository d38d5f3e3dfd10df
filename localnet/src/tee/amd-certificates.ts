import { type CertificatePlan, DEVELOPMENT, type Extension, FAR_AHEAD, LONG_AGO, type Name } from './certificates.ts'
import { ia5Text, integer } from './der-writer.ts'

/**
 * AMD's chain (versioned chip endorsement key certificate and KDS interface specification, 57230): root key ARK, SEV key
 * ASK, and the VCEK of one processor at one firmware level, all signed with RSA-4096 and PSS. Common names are AMD's.
 */
export const AMD_PRODUCT = 'Genoa'

const named = (commonName: string): Name => [
  ['OU', 'Engineering'],
  ['C', 'XX'],
  ['O', DEVELOPMENT],
  ['CN', commonName],
]
export const amdNames = {
  root: named(`ARK-${AMD_PRODUCT}`),
  sev: named(`SEV-${AMD_PRODUCT}`),
  vcek: named('SEV-VCEK'),
}

const CRL = `https://kdsintf.amd.com/vcek/v1/${AMD_PRODUCT}/crl`

const authority = (serial: number, subject: Name, rest: Pick<CertificatePlan, 'key' | 'authority' | 'usages'>) => ({
  serial: Uint8Array.of(serial >> 16, (serial >> 8) & 0xff, serial & 0xff),
  subject,
  issuer: amdNames.root,
  notBefore: LONG_AGO,
  notAfter: FAR_AHEAD,
  signedBy: 'amdRoot' as const,
  extensions: [],
  version: 2,
  revocationList: CRL,
  keyIdentifiers: true,
  ...rest,
})

/** The plan the pinned bytes were made from; issuing it again gives the same content under another signature. */
export const arkPlan = (): CertificatePlan =>
  authority(0x10000, amdNames.root, { key: 'amdRoot', authority: {}, usages: ['keyCertSign', 'crlSign'] })

export const askPlan = (): CertificatePlan =>
  authority(0x10001, amdNames.sev, { key: 'amdSev', authority: { pathLength: 0 }, usages: ['keyCertSign'] })

/** Security patch levels of an AMD firmware. */
export interface AmdTcb {
  bootLoader: number
  tee: number
  snp: number
  microcode: number
}

const AMD = '1.3.6.1.4.1.3704.1'

/** What a VCEK certificate says about its processor: product, levels, hardware id. */
export function vcekExtensions(tcb: AmdTcb, chipId: Uint8Array): Extension[] {
  const levels = [tcb.bootLoader, tcb.tee, tcb.snp, 0, 0, 0, 0, tcb.microcode]
  return [
    { id: `${AMD}.1`, value: integer(1) },
    { id: `${AMD}.2`, value: ia5Text(`${AMD_PRODUCT}-B1`) },
    ...[0, 1, 3, 4, 5, 6, 2, 7].map((i) => ({ id: `${AMD}.3.${i + 1}`, value: integer(levels[i] ?? 0) })),
    // AMD puts the 64 bytes into the extension as they are, without an inner type.
    { id: `${AMD}.4`, value: chipId },
  ]
}

export function vcekPlan(tcb: AmdTcb, chipId: Uint8Array): CertificatePlan {
  return {
    serial: Uint8Array.of(0),
    subject: amdNames.vcek,
    issuer: amdNames.sev,
    notBefore: LONG_AGO,
    // AMD gives a VCEK seven years.
    notAfter: LONG_AGO + 7 * 365 * 86_400,
    key: 'vcek',
    signedBy: 'amdSev',
    authority: null,
    usages: null,
    extensions: vcekExtensions(tcb, chipId),
    version: 2,
    revocationList: null,
    keyIdentifiers: false,
  }
}
